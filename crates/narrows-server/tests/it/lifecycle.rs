use std::pin::pin;
use std::time::Duration;

use narrows_endpoint::Hop;
use narrows_server::{Egress, Phase, Server, Settings};
use narrows_upstream::{Dialer, SystemResolver, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::house::{House, Note, direct, open, read_head, target};

fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings);
    settings
}

#[tokio::test]
async fn draining_lets_tunnels_finish_and_lets_nobody_in() {
    let house = House::start().await;
    let (address, heard) = target().await;
    let mut client = open(&house, address, b"").await;
    let door = house.address;
    let stopping = tokio::spawn(house.stop());
    // The listener closes at some point from now on; until then the system queues connections.
    while TcpStream::connect(door).await.is_ok() {
        tokio::task::yield_now().await;
    }
    client.write_all(b"still here").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(heard.await.unwrap(), b"still here");
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "goodbye");
    let (drained, notes) = stopping.await.unwrap();
    assert_eq!(drained.cut, 0);
    assert!(
        notes.contains(&Note::Ended {
            blame: None,
            sent: 10,
            received: 7
        }),
        "{notes:?}"
    );
}

/// Row 49, the first phase: whoever comes is served, and a health check hears that nobody should.
#[tokio::test]
async fn row_49_an_unready_server_serves_whoever_comes() {
    let egress = Egress::new(Dialer::new(SystemResolver::default(), Timeouts::default()));
    let unready = Duration::from_secs(600);
    let server = Server::new(direct, egress, (), settings(|s| s.unready = unready));
    assert_eq!(server.phase(), Phase::Serving);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut serving = pin!(server.serve(vec![listener], async {}));
    let start = Instant::now();
    let asked = async {
        let mut client = TcpStream::connect(address).await.unwrap();
        let refused = b"CONNECT a..b:443 HTTP/1.0\r\n\r\n";
        client.write_all(refused).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        answer
    };
    tokio::select! {
        answer = asked => assert!(answer.starts_with(b"HTTP/1.1 400 "), "{answer:?}"),
        drained = &mut serving => panic!("{drained:?} before anybody was asked"),
    }
    assert_eq!(server.phase(), Phase::Unready);
    tokio::time::pause();
    let (drained, ()) = tokio::join!(serving, server.draining());
    assert_eq!((drained.cut, server.phase()), (0, Phase::Draining));
    assert!(start.elapsed() >= unready);
    TcpStream::connect(address).await.unwrap_err();
}

#[tokio::test]
async fn what_outlives_the_drain_is_cut_with_its_record() {
    let house = House::with(direct, settings(|s| s.drain = Duration::from_millis(10))).await;
    let (address, _heard) = target().await;
    let mut client = open(&house, address, b"12345").await;
    // Wait until the bytes are through, so that the count is known.
    while house.notes.all().is_empty() {
        tokio::task::yield_now().await;
    }
    let (drained, notes) = house.stop().await;
    assert_eq!(drained.cut, 1);
    let [
        Note::Opened(_),
        Note::Ended {
            blame: Some((Hop::Narrows, how)),
            ..
        },
    ] = &notes[..]
    else {
        panic!("{notes:?}")
    };
    assert_eq!(how, "cut at shutdown");
    let error = client.read_u8().await.unwrap_err();
    assert_eq!(
        error.kind(),
        std::io::ErrorKind::ConnectionReset,
        "half an answer never looks whole"
    );
}

#[tokio::test]
async fn a_download_that_outlives_the_drain_is_cut_by_narrows() {
    let house = House::with(direct, settings(|s| s.drain = Duration::from_millis(10))).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        crate::house::read_head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            .await
            .unwrap();
        std::future::pending::<()>().await;
    });
    let mut client = house.client().await;
    let request = format!("GET http://{address}/ HTTP/1.1\r\nHost: {address}\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    crate::house::read_head(&mut client).await;
    let (drained, notes) = house.stop().await;
    assert_eq!(drained.cut, 1);
    let [
        Note::Opened(_),
        Note::Ended {
            blame: Some((Hop::Narrows, _)),
            ..
        },
    ] = &notes[..]
    else {
        panic!("{notes:?}")
    };
}

#[tokio::test]
async fn a_connection_that_says_nothing_does_not_hold_up_a_drain() {
    let house = House::start().await;
    let mut silent = house.client().await;
    // A tunnel that came and went shows that the server has accepted what came before it.
    house.say(b"CONNECT a..b:443 HTTP/1.0\r\n\r\n").await;
    let (drained, notes) = house.stop().await;
    assert_eq!((drained.cut, notes.len()), (0, 1));
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn kept_alive_connections_do_not_hold_up_a_drain() {
    let house = House::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        crate::house::read_head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .await
            .unwrap();
        std::future::pending::<()>().await;
    });
    let mut client = house.client().await;
    let request = format!("GET http://{address}/ HTTP/1.1\r\nHost: {address}\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    crate::house::read_head(&mut client).await;
    let (drained, _) = house.stop().await;
    assert_eq!(drained.cut, 0);
}

#[tokio::test]
async fn more_than_the_limit_is_told_to_come_again() {
    let house = House::with(direct, settings(|s| s.tunnels = 1)).await;
    let (address, _heard) = target().await;
    let first = open(&house, address, b"").await;
    let answer = house.say(b"CONNECT example.com:443 HTTP/1.0\r\n\r\n").await;
    assert!(
        answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"),
        "{answer}"
    );
    assert!(answer.contains("Retry-After: 1\r\n"), "{answer}");
    assert!(
        answer.contains("error=connection_limit_reached"),
        "{answer}"
    );
    drop(first);
    // The place is given back when the tunnel has ended, which takes a moment.
    loop {
        let answer = house.say(b"CONNECT a..b:443 HTTP/1.0\r\n\r\n").await;
        if answer.starts_with("HTTP/1.1 400 ") {
            break;
        }
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
}

#[tokio::test]
async fn one_client_does_not_take_all_places() {
    let house = House::with(direct, settings(|s| s.tunnels_per_client = Some(1))).await;
    let (address, _heard) = target().await;
    let _first = open(&house, address, b"").await;
    let answer = house.say(b"CONNECT example.com:443 HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(
        answer.contains("this client already has its 1 connections"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_slow_head_is_cut() {
    let house = House::with(
        direct,
        settings(|s| s.head_time = Duration::from_millis(20)),
    )
    .await;
    let answer = house.say(b"CONNECT exam").await;
    assert!(
        answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
        "{answer}"
    );
    let silent = house.say(b"").await;
    assert_eq!(silent, "");
    let (_, notes) = house.stop().await;
    assert_eq!(
        notes.len(),
        1,
        "a client that says nothing is no request: {notes:?}"
    );
}

#[tokio::test]
async fn connections_accepted_elsewhere_count() {
    let egress = Egress::new(Dialer::new(SystemResolver::default(), Timeouts::default()));
    let server = Server::new(direct, egress, (), Settings::default());
    let (address, _heard) = target().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (io, from) = listener.accept().await.unwrap();
    let serving = tokio::spawn({
        let server = server.clone();
        async move { server.serve_connection(io, from, ()).await }
    });
    let head = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(server.connections(), 1);
    drop(client);
    serving.await.unwrap();
    assert_eq!(server.connections(), 0);
}
