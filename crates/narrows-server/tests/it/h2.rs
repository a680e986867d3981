use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{Request, Response};
use narrows_endpoint::{Hop, Step};
use narrows_server::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::house::{House, Note, direct, target};

/// A client connection with the server's HTTP/2 end behind it.
async fn client(house: &House) -> SendRequest<Bytes> {
    let (io, _) = house.h2().await;
    let (requests, connection) = h2::client::handshake(io).await.unwrap();
    tokio::spawn(connection);
    requests.ready().await.unwrap()
}

fn connect(authority: &str) -> Request<()> {
    Request::connect(authority).body(()).unwrap()
}

async fn body(mut stream: RecvStream) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk.unwrap();
        stream.flow_control().release_capacity(chunk.len()).unwrap();
        all.extend_from_slice(&chunk);
    }
    all
}

fn header<'a>(response: &'a Response<RecvStream>, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn tunnels_share_a_connection_and_keep_half_close() {
    let house = House::start().await;
    let mut requests = client(&house).await;
    let mut open = Vec::new();
    for n in 0..10 {
        let (address, heard) = target().await;
        let (answer, mut send) = requests
            .send_request(connect(&address.to_string()), false)
            .unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        send.send_data(Bytes::from(format!("tunnel {n}")), true)
            .unwrap();
        open.push((n, heard, answer));
    }
    for (n, heard, answer) in open {
        assert_eq!(heard.await.unwrap(), format!("tunnel {n}").into_bytes());
        assert_eq!(body(answer.into_body()).await, b"goodbye");
    }
    let (_, notes) = house.stop().await;
    let ended = Note::Ended {
        blame: None,
        sent: 8,
        received: 7,
    };
    assert_eq!(
        notes.iter().filter(|note| **note == ended).count(),
        10,
        "{notes:?}"
    );
}

#[tokio::test]
async fn a_reset_is_a_reset_both_ways() {
    let house = House::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut requests = client(&house).await;

    // RST from the target becomes RST_STREAM.
    let (answer, _send) = requests.send_request(connect(&address), false).unwrap();
    let (far, _) = listener.accept().await.unwrap();
    let mut stream = answer.await.unwrap().into_body();
    far.set_zero_linger().unwrap();
    drop(far);
    let error = stream.data().await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(Reason::CONNECT_ERROR));

    // RST_STREAM from the client becomes RST.
    let (answer, mut send) = requests.send_request(connect(&address), false).unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    send.send_reset(Reason::CONNECT_ERROR);
    let error = far.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);

    let (_, notes) = house.stop().await;
    let blames: Vec<_> = notes
        .iter()
        .filter_map(|note| match note {
            Note::Ended {
                blame: Some((hop, how)),
                ..
            } => Some((*hop, how.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(blames, [(Hop::Target, "reset"), (Hop::Client, "reset")]);
}

#[tokio::test]
async fn what_is_wrong_with_one_request_ends_that_stream() {
    let house = House::start().await;
    let mut requests = client(&house).await;
    let (address, heard) = target().await;
    let (good, mut send) = requests
        .send_request(connect(&address.to_string()), false)
        .unwrap();
    assert_eq!(good.await.unwrap().status(), 200);

    for authority in ["example.com", "127.1:443", "example.com:0"] {
        let (answer, _) = requests.send_request(connect(authority), true).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 400, "{authority}");
        assert!(header(&answer, "proxy-status").contains("error=http_request_error"));
    }
    let get = Request::get("http://example.com/").body(()).unwrap();
    let (answer, _) = requests.send_request(get, true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 405);

    send.send_data(Bytes::from_static(b"still here"), true)
        .unwrap();
    assert_eq!(heard.await.unwrap(), b"still here");
    let (_, notes) = house.stop().await;
    let refused = |note: &&Note| {
        matches!(
            note,
            Note::Refused {
                step: Step::Head,
                ..
            }
        )
    };
    assert_eq!(notes.iter().filter(refused).count(), 4, "{notes:?}");
}

#[tokio::test]
async fn a_failed_dial_says_where_and_why() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let house = House::start().await;
    let mut requests = client(&house).await;
    let (answer, _) = requests
        .send_request(connect(&closed.to_string()), false)
        .unwrap();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 502);
    assert!(header(&answer, "proxy-status").contains("error=connection_refused"));
    let text = String::from_utf8(body(answer.into_body()).await).unwrap();
    assert!(text.contains("connection refused"), "{text}");
}

#[tokio::test]
async fn a_stalled_target_does_not_stall_the_others() {
    let house = House::start().await;
    let mut requests = client(&house).await;
    // A target that accepts and never reads: its stream's window fills and stays full.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (answer, mut stalled) = requests
        .send_request(connect(&listener.local_addr().unwrap().to_string()), false)
        .unwrap();
    let (_deaf, _) = listener.accept().await.unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    stalled.reserve_capacity(1024 * 1024);
    stalled
        .send_data(Bytes::from(vec![0; 64 * 1024 * 1024]), false)
        .unwrap();

    let (address, heard) = target().await;
    let (answer, mut send) = requests
        .send_request(connect(&address.to_string()), false)
        .unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    let bulk = vec![7; 8 * 1024 * 1024];
    send.send_data(Bytes::from(bulk.clone()), true).unwrap();
    assert!(heard.await.unwrap() == bulk);
}

#[tokio::test]
async fn every_stream_needs_a_place() {
    let mut settings = Settings::default();
    settings.tunnels = 2;
    let house = House::with(direct, settings).await;
    let mut requests = client(&house).await;
    let (address, _heard) = target().await;
    let (answer, _first) = requests
        .send_request(connect(&address.to_string()), false)
        .unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    let (answer, _) = requests
        .send_request(connect(&address.to_string()), false)
        .unwrap();
    let answer = answer.await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), header(&answer, "retry-after")),
        (503, "1")
    );
}

#[tokio::test]
async fn draining_ends_a_connection_after_its_last_tunnel() {
    let house = House::start().await;
    let (io, serving) = house.h2().await;
    let (requests, connection) = h2::client::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let mut requests = requests.ready().await.unwrap();
    let (address, heard) = target().await;
    let (answer, mut send) = requests
        .send_request(connect(&address.to_string()), false)
        .unwrap();
    let answer = answer.await.unwrap();
    let stopping = tokio::spawn(house.stop());
    send.send_data(Bytes::from_static(b"to the end"), true)
        .unwrap();
    assert_eq!(heard.await.unwrap(), b"to the end");
    assert_eq!(body(answer.into_body()).await, b"goodbye");
    let (drained, _) = stopping.await.unwrap();
    assert_eq!(drained.cut, 0);
    serving.await.unwrap();
}

/// Two ends of a socket on this machine.
pub(crate) async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (one, other) = tokio::join!(
        TcpStream::connect(listener.local_addr().unwrap()),
        listener.accept()
    );
    (one.unwrap(), other.unwrap().0)
}

#[tokio::test]
async fn a_client_that_agreed_and_speaks_something_else_is_dropped() {
    let house = House::start().await;
    let (mut io, serving) = house.h2().await;
    io.write_all(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        .await
        .unwrap();
    // It reads a GOAWAY, an end or a reset, but no answer, and is not kept waiting.
    let _ = io.read_to_end(&mut Vec::new()).await;
    serving.await.unwrap();
    assert_eq!(house.stop().await.1, []);
}
