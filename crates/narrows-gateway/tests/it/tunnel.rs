//! Tunnels that are open.

use std::future::poll_fn;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::house::{Client, House, echo};

async fn house(port: u16) -> House {
    let feature = format!("echo.example:{port} in 127.0.0.0/8");
    House::new(&[&feature], &[("echo.example", &["127.0.0.1"])]).await
}

#[tokio::test]
async fn h1_carries_both_ways_and_records_who_where_and_why() {
    let port = echo().await.port();
    let house = house(port).await;
    let target = format!("echo.example:{port}");
    let (mut stream, head) = house.ask(&house.alice(), &target).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    stream.write_all(b"hello").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut back = String::new();
    stream.read_to_string(&mut back).await.unwrap();
    assert_eq!(back, "hello");
    drop(stream);
    let records = house.records();
    assert_eq!(records.len(), 3, "{records:#?}");
    assert!(
        records[0].contains(&format!("--> {target} on HTTP-1.1")),
        "{records:#?}"
    );
    let allowed = format!(
        "P:1:C:1 allowed token:alice at 127.0.0.1:{port} by gateway trial, carried by the gateway: matches {target}"
    );
    assert!(records[1].contains(&allowed), "{records:#?}");
    assert!(records[1].contains("trial.json:3"), "{records:#?}");
    assert!(
        records[2].contains("done via direct bytes ->:5, <-:5"),
        "{records:#?}"
    );
}

#[tokio::test]
async fn h2_carries_and_refuses_on_one_connection() {
    let port = echo().await.port();
    let house = house(port).await;
    let client = Client {
        h2: true,
        ..house.alice()
    };
    let stream = house.connect(&client).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut send, connection) = h2::client::handshake(stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let ask = |target: &str, authorization: &str| {
        http::Request::connect(target)
            .header("proxy-authorization", authorization)
            .body(())
            .unwrap()
    };
    let authorization = client.authorization.unwrap();
    let refused = ask("echo.example:1", &authorization);
    let (refused, _) = send.send_request(refused, true).unwrap();
    let refused = refused.await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(refused.headers().contains_key("proxy-status"));
    let stranger = ask(&format!("echo.example:{port}"), "Bearer x");
    let (stranger, _) = send.send_request(stranger, true).unwrap();
    assert_eq!(stranger.await.unwrap().status(), 407);

    let carried = ask(&format!("echo.example:{port}"), &authorization);
    let (carried, mut body) = send.send_request(carried, false).unwrap();
    let carried = carried.await.unwrap();
    assert_eq!(carried.status(), 200);
    body.send_data(Bytes::from_static(b"hello"), true).unwrap();
    let mut back = carried.into_body();
    let mut received = Vec::new();
    while let Some(chunk) = poll_fn(|cx| back.poll_data(cx)).await {
        received.extend_from_slice(&chunk.unwrap());
    }
    assert_eq!(received, b"hello");
    driver.abort();
}
