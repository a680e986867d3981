use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use narrows_server::Settings;

use crate::house::{House, Note, direct, read_head, target};

/// An HTTP server that answers each request with its own head as the body, and tells each connection's
/// requests.
async fn mirror() -> (SocketAddr, mpsc::UnboundedReceiver<(usize, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for connection in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(reflect(stream, connection, tell.clone()));
        }
    });
    (address, told)
}

async fn reflect(stream: TcpStream, n: usize, tell: mpsc::UnboundedSender<(usize, String)>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let length = head
            .lines()
            .find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length:")?
                    .trim()
                    .parse()
                    .ok()
            })
            .unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        tell.send((n, head.clone() + &String::from_utf8(body).unwrap()))
            .unwrap();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\r\n{head}",
            head.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

async fn get(client: &mut TcpStream, address: SocketAddr, more: &str) -> (String, String) {
    let request = format!("GET http://{address}/x?y HTTP/1.1\r\nHost: {address}\r\n{more}\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    response(client).await
}

async fn response(client: &mut TcpStream) -> (String, String) {
    let head = read_head(client).await;
    let length = head
        .lines()
        .find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length:")?
                .trim()
                .parse()
                .ok()
        })
        .unwrap();
    let mut body = vec![0; length];
    client.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn requests_share_connections_and_lose_what_is_hop_by_hop() {
    let house = House::start().await;
    let (address, mut told) = mirror().await;
    let mut client = house.client().await;
    let more =
        "Connection: X-Secret\r\nX-Secret: 1\r\nProxy-Authorization: Basic eA==\r\nX-Kept: 2\r\n";
    let (head, body) = get(&mut client, address, more).await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(!head.to_lowercase().contains("x-hop"), "{head}");
    assert!(head.to_lowercase().contains("via: 1.1 narrows"), "{head}");
    assert!(body.starts_with("GET /x?y HTTP/1.1\r\n"), "{body}");
    assert!(
        body.contains("X-Kept: 2") && !body.contains("Secret") && !body.contains("Proxy-"),
        "{body}"
    );
    get(&mut client, address, "").await;
    drop(client);
    assert_eq!(told.recv().await.unwrap().0, 0);
    assert_eq!(
        told.recv().await.unwrap().0,
        0,
        "the second request uses the same connection"
    );
    let (_, notes) = house.stop().await;
    let opened = notes
        .iter()
        .filter(|note| matches!(note, Note::Opened(_)))
        .count();
    let clean = notes
        .iter()
        .filter(|note| matches!(note, Note::Ended { blame: None, .. }))
        .count();
    assert_eq!((opened, clean, notes.len()), (2, 2, 4), "{notes:?}");
}

#[tokio::test]
async fn a_body_is_framed_anew() {
    let house = House::start().await;
    let (address, mut told) = mirror().await;
    let mut client = house.client().await;
    let request = format!(
        "POST http://{address}/ HTTP/1.1\r\nHost: {address}\r\nContent-Length: 5\r\n\r\nhello"
    );
    client.write_all(request.as_bytes()).await.unwrap();
    response(&mut client).await;
    let (_, seen) = told.recv().await.unwrap();
    assert!(seen.ends_with("\r\n\r\nhello"), "{seen}");
}

#[tokio::test]
async fn a_dead_kept_connection_is_replaced() {
    let house = House::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_head(&mut stream).await;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await
                .unwrap();
            // And closes, without having said so.
        }
    });
    let mut client = house.client().await;
    for _ in 0..2 {
        assert_eq!(get(&mut client, address, "").await.1, "ok");
    }
    server.await.unwrap();
}

#[tokio::test]
async fn connect_after_plain_http_is_judged_alike() {
    let house = House::start().await;
    let (address, _told) = mirror().await;
    let mut client = house.client().await;
    get(&mut client, address, "").await;
    let (address, heard) = target().await;
    let connect = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\nearly");
    client.write_all(connect.as_bytes()).await.unwrap();
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 200 "));
    client.write_all(b" late").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(heard.await.unwrap(), b"early late");
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "goodbye");

    let mut client = house.client().await;
    let (address, _told) = mirror().await;
    get(&mut client, address, "").await;
    let connect = b"CONNECT example.com:+443 HTTP/1.1\r\nHost: example.com:+443\r\n\r\n\
                    GET http://b.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n";
    client.write_all(connect).await.unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 400 "), "{rest}");
    assert_eq!(rest.matches("HTTP/1.1").count(), 1, "{rest}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_blamed_on_its_server() {
    let house = House::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            .await
            .unwrap();
    });
    let request = format!("GET http://{address}/ HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let answer = house.say(request.as_bytes()).await;
    assert!(answer.ends_with("\r\n\r\nhalf"), "{answer}");
    let (_, notes) = house.stop().await;
    let [
        Note::Opened(_),
        Note::Ended {
            blame: Some((hop, _)),
            ..
        },
    ] = &notes[..]
    else {
        panic!("{notes:?}")
    };
    assert_eq!(hop.as_str(), "target");
}

#[tokio::test]
async fn what_is_no_proxy_request_is_told_so() {
    let house = House::start().await;
    for (request, says) in [
        (
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "this is a forward proxy",
        ),
        (
            "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "https goes through CONNECT",
        ),
        ("GET http://a/ HTTP/1.1\r\n\r\n", "Host header is missing"),
        (
            "TRACE http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "TRACE is not forwarded",
        ),
        (
            "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "a user or password before the host is not allowed",
        ),
    ] {
        let answer = house.say(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert!(
            answer
                .to_lowercase()
                .contains("proxy-status: narrows; error="),
            "{answer}"
        );
        assert!(answer.contains(says), "{request:?}: {answer}");
    }
    let (_, notes) = house.stop().await;
    assert_eq!(notes.len(), 5, "{notes:?}");
}

#[tokio::test]
async fn what_hyper_refuses_is_recorded_too() {
    let house = House::start().await;
    let answer = house
        .say(b"POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc")
        .await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        answer.contains("Proxy-Status: narrows; error=http_request_error"),
        "{answer}"
    );
    assert!(
        answer.ends_with("or its framing is ambiguous\n"),
        "{answer}"
    );
    let (_, notes) = house.stop().await;
    let [Note::Refused { status: 400, .. }] = &notes[..] else {
        panic!("{notes:?}")
    };
}

/// A server that gives one answer on its first connection, and then keeps silent.
async fn once(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream.write_all(answer).await.unwrap();
        std::future::pending::<()>().await;
    });
    address
}

fn request(address: SocketAddr) -> String {
    format!("GET http://{address}/ HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn a_length_beside_chunks_is_not_passed_on() {
    let house = House::start().await;
    let address = once(
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n\
          b\r\nhello world\r\n0\r\n\r\n",
    )
    .await;
    let answer = house.say(request(address).as_bytes()).await;
    assert!(
        !answer.to_lowercase().contains("content-length"),
        "{answer}"
    );
    assert!(answer.contains("hello world"), "{answer}");
    let (_, notes) = house.stop().await;
    assert!(
        matches!(
            notes[..],
            [Note::Opened(_), Note::Ended { blame: None, .. }]
        ),
        "{notes:?}"
    );
}

#[tokio::test]
async fn trailers_are_a_clean_end() {
    let house = House::start().await;
    let address = once(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
          5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
    )
    .await;
    let answer = house.say(request(address).as_bytes()).await;
    assert!(answer.contains("hello"), "{answer}");
    let (_, notes) = house.stop().await;
    assert!(
        matches!(
            notes[..],
            [Note::Opened(_), Note::Ended { blame: None, .. }]
        ),
        "{notes:?}"
    );
}

#[tokio::test]
async fn a_client_that_leaves_a_silent_server_is_noticed() {
    let house = House::start().await;
    let address = once(b"").await;
    let mut client = house.client().await;
    client.write_all(request(address).as_bytes()).await.unwrap();
    drop(client);
    while house.notes.all().is_empty() {
        tokio::task::yield_now().await;
    }
    let (drained, notes) = house.stop().await;
    assert_eq!(drained.cut, 0);
    let [
        Note::Refused {
            status: 499, hop, ..
        },
    ] = &notes[..]
    else {
        panic!("{notes:?}")
    };
    assert_eq!(hop.as_str(), "client");
}

#[tokio::test]
async fn waiting_between_requests_is_no_request() {
    let mut settings = Settings::default();
    settings.head_time = Duration::from_secs(60);
    let house = House::with(direct, settings).await;
    let (address, _told) = mirror().await;
    let mut client = house.client().await;
    get(&mut client, address, "").await;
    // Nothing is under way any more, so the clock goes to the next deadline at once.
    tokio::time::pause();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"");
    let (_, notes) = house.stop().await;
    assert!(
        matches!(
            notes[..],
            [Note::Opened(_), Note::Ended { blame: None, .. }]
        ),
        "{notes:?}"
    );
}

#[tokio::test]
async fn part_of_a_head_is_recorded() {
    let house = House::start().await;
    let mut client = house.client().await;
    client
        .write_all(b"GET http://a/ HTTP/1.1\r\nHost: a\r\n")
        .await
        .unwrap();
    client.shutdown().await.unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    let (_, notes) = house.stop().await;
    let [
        Note::Refused {
            status: 499, hop, ..
        },
    ] = &notes[..]
    else {
        panic!("{notes:?}")
    };
    assert_eq!(hop.as_str(), "client");
}

#[tokio::test]
async fn a_malformed_body_is_the_clients_fault() {
    let house = House::start().await;
    let address = once(b"").await;
    let upload = format!(
        "POST http://{address}/ HTTP/1.1\r\nHost: {address}\r\nTransfer-Encoding: chunked\r\n\r\n\
         fffffffffffffffff\r\nx"
    );
    let answer = house.say(upload.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        answer.contains("the request's body is malformed"),
        "{answer}"
    );
    let (_, notes) = house.stop().await;
    let [
        Note::Refused {
            status: 400, hop, ..
        },
    ] = &notes[..]
    else {
        panic!("{notes:?}")
    };
    assert_eq!(hop.as_str(), "client");
}

#[tokio::test]
async fn a_refusal_is_read_by_a_client_that_is_still_sending() {
    let house = House::start().await;
    let mut client = house.client().await;
    let length = 8 * 1024 * 1024;
    let head =
        format!("POST http://a..b/ HTTP/1.1\r\nHost: a..b\r\nContent-Length: {length}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(&vec![b'x'; length]).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("empty label"), "{answer}");
}

#[tokio::test]
async fn secrets_are_not_recorded() {
    let house = House::start().await;
    house
        .say(b"GET http://user:pw@a/?sig=secret HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    house.say(b"CONNECT user:pw@a:443 HTTP/1.0\r\n\r\n").await;
    let (_, notes) = house.stop().await;
    assert_eq!(notes.len(), 2);
    let text = format!("{notes:?}");
    assert!(!text.contains("pw") && !text.contains("secret"), "{text}");
    assert!(
        text.contains("http://***@a") && text.contains("***@a:443"),
        "{text}"
    );
}

/// A proxy that wants Basic credentials, answers 200 with them, and tells every head that it reads. A
/// target named `evil` answers 407 itself.
async fn jealous_proxy() -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let tell = tell.clone();
            tokio::spawn(async move {
                let head = read_head(&mut stream).await;
                let known = head.to_lowercase().contains("proxy-authorization: basic ");
                let answer: &[u8] = if known && !head.contains("evil") {
                    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                } else {
                    b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\n\
                      Content-Length: 0\r\nConnection: close\r\n\r\n"
                };
                tell.send(head).unwrap();
                stream.write_all(answer).await.unwrap();
                // What is still sent is read, so that the answer is not overtaken by a reset.
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            });
        }
    });
    (address, told)
}

#[tokio::test]
async fn an_upload_learns_that_the_proxy_wants_credentials() {
    let (address, _told) = jealous_proxy().await;
    let house = House::behind(&format!("http://user:secret@{address}")).await;
    let post = b"POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\
                 Connection: close\r\n\r\nhi";
    let answer = house.say(post).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(
        answer.contains("they go out with the next request"),
        "{answer}"
    );
    let answer = house.say(post).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_target_cannot_switch_off_the_proxys_credentials() {
    let (address, _told) = jealous_proxy().await;
    let house = House::behind(&format!("http://user:secret@{address}")).await;
    let get = |host: &str| {
        format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    };
    let good = house.say(get("a.example").as_bytes()).await;
    assert!(good.starts_with("HTTP/1.1 200 "), "{good}");
    let evil = house.say(get("evil.example").as_bytes()).await;
    assert!(
        evil.starts_with("HTTP/1.1 502 "),
        "a client must not see the proxy's 407: {evil}"
    );
    let mut client = house.client().await;
    client
        .write_all(b"CONNECT a.example:443 HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    let connect = read_head(&mut client).await;
    assert!(connect.starts_with("HTTP/1.1 200 "), "{connect}");
}
