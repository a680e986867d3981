//! Scripted streams: what is written must match exactly, and only in its turn.

use tokio_test::io::{Builder, Mock};

use super::*;

const HEAD: &[u8] = b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n";

async fn run(mut io: impl AsyncRead + AsyncWrite + Unpin) -> Result<Answer, DialErrorKind> {
    let target = "example.com:443".parse().unwrap();
    exchange(&mut io, &target, &Via::default(), None, &Limits::default()).await
}

async fn early(io: Mock) -> Bytes {
    match run(io).await {
        Ok(Answer::Open(early)) => early,
        Ok(Answer::Refused(response, _)) => panic!("refused: {response:?}"),
        Err(error) => panic!("{error:?}"),
    }
}

async fn refusal(mut io: Mock) -> ProxyAnswer {
    match run(&mut io).await {
        Ok(Answer::Refused(response, body)) => *read_refusal(&mut io, *response, body).await,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn any_2xx_opens_however_it_is_split() {
    for answer in [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.1 201 Created\r\n\r\n",
        "HTTP/1.1 299\r\n\r\n",
        "HTTP/1.0 200 OK\r\nProxy-Agent: old\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        let bytes = [answer.as_bytes(), b"SSH-2.0"].concat();
        let whole = Builder::new().write(HEAD).read(&bytes).build();
        assert_eq!(early(whole).await, "SSH-2.0", "{answer}");
        for at in 1..bytes.len() {
            let (left, right) = bytes.split_at(at);
            let mut script = Builder::new();
            script.write(HEAD).read(left);
            if at >= answer.len() {
                // The tunnel is open: what comes now is for whoever relays.
                let expected = &bytes[answer.len()..at];
                assert_eq!(early(script.build()).await, expected, "{answer} at {at}");
                continue;
            }
            let io = script.read(right).build();
            assert_eq!(early(io).await, "SSH-2.0", "{answer} at {at}");
        }
        let mut bytewise = Builder::new();
        bytewise.write(HEAD);
        for byte in answer.bytes() {
            bytewise.read(&[byte]);
        }
        assert_eq!(early(bytewise.build()).await, "", "{answer}");
    }
}

#[tokio::test]
async fn credentials_go_out_only_when_given() {
    let head = b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\
        Proxy-Authorization: Basic dTpw\r\n\r\n";
    let mut io = Builder::new()
        .write(head)
        .read(b"HTTP/1.1 200 OK\r\n\r\n")
        .build();
    let target = "example.com:443".parse().unwrap();
    let answer = exchange(
        &mut io,
        &target,
        &Via::default(),
        Some("Basic dTpw"),
        &Limits::default(),
    )
    .await;
    assert!(matches!(answer, Ok(Answer::Open(_))));
}

#[tokio::test]
async fn a_refusal_is_carried_back() {
    let answer = refusal(
        Builder::new()
            .write(HEAD)
            .read(b"HTTP/1.1 407 Proxy Authentication Required\r\nServer: squid/6.6\r\n")
            .read(b"X-Squid-Error: ERR_CACHE_ACCESS_DENIED 0\r\nContent-Length: 29\r\n")
            .read(b"Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n<h1>No")
            .read(b" access</h1>\r\nAsk Anne. and this is the next answer")
            .build(),
    )
    .await;
    assert_eq!(answer.status, 407);
    assert_eq!(answer.schemes, ["negotiate", "basic"]);
    assert_eq!(
        answer.to_string(),
        "407 Proxy Authentication Required from squid/6.6, ERR_CACHE_ACCESS_DENIED 0 \
         (\"No access Ask Anne.\")"
    );
}

#[tokio::test]
async fn the_size_of_a_chunk_is_not_shown() {
    let answer = refusal(
        Builder::new()
            .write(HEAD)
            .read(b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nBlocked\r\n0\r\n\r\n")
            .build(),
    )
    .await;
    assert_eq!(answer.excerpt, "Blocked 0");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let hang = Duration::from_secs(3600);
    let answer = refusal(
        Builder::new()
            .write(HEAD)
            .read(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nBlocked")
            .wait(hang)
            .build(),
    );
    let start = tokio::time::Instant::now();
    // The mock objects to being dropped before its script is over; that is the point here.
    let answer = tokio::spawn(answer).await;
    assert!(start.elapsed() < hang);
    assert!(answer.is_ok_and(|answer| answer.excerpt == "Blocked"));
}

#[tokio::test]
async fn an_endless_body_is_cut() {
    let mut script = Builder::new();
    script.write(HEAD).read(b"HTTP/1.1 503 Busy\r\n\r\n");
    for _ in 0..MAX_BODY / FIRST_READ {
        script.read(&[b'x'; FIRST_READ]);
    }
    assert_eq!(refusal(script.build()).await.status, 503);
}

#[tokio::test]
async fn heads_have_a_size() {
    let mut script = Builder::new();
    script.write(HEAD).read(b"HTTP/1.1 200 OK\r\nX: ");
    for _ in 0..16 {
        script.read(&[b'x'; 1024]);
    }
    assert!(matches!(
        run(script.build()).await,
        Err(DialErrorKind::Nonsense(_))
    ));
}

#[tokio::test]
async fn what_is_not_http_is_said_at_once() {
    for nonsense in [&b"SSH-2.0-OpenSSH\r\n"[..], b"\x15\x03\x01\x00\x02\x02\x46"] {
        let io = Builder::new().write(HEAD).read(nonsense).build();
        let error = run(io).await;
        assert!(matches!(error, Err(DialErrorKind::Nonsense(_))));
    }
}

#[tokio::test]
async fn an_early_end_is_told_apart() {
    let nothing = run(Builder::new().write(HEAD).build()).await;
    assert!(matches!(
        nothing,
        Err(DialErrorKind::Closed { received: 0 })
    ));
    let partial = run(Builder::new().write(HEAD).read(b"HTTP/1.1 2").build()).await;
    assert!(matches!(
        partial,
        Err(DialErrorKind::Closed { received: 10 })
    ));
    let reset = io::ErrorKind::ConnectionReset;
    let broken = Builder::new().write(HEAD).read_error(reset.into()).build();
    assert!(matches!(run(broken).await, Err(DialErrorKind::Broken(_))));
}

#[tokio::test]
async fn an_answer_counts_even_if_the_request_could_not_be_sent() {
    for (answer, told) in [
        (&b"HTTP/1.1 503 Too many connections\r\n\r\n"[..], true),
        (b"", false),
    ] {
        let (broken, _) = tokio::io::duplex(1);
        let answer = run(tokio::io::join(answer, broken)).await;
        match answer {
            Ok(Answer::Refused(response, _)) => assert!(told && response.status == 503),
            Err(DialErrorKind::Broken(_)) => assert!(!told),
            other => panic!("{other:?}"),
        }
    }
}
