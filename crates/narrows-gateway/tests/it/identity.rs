//! Tokens: who gets in, and what the others are told.

use std::io::ErrorKind;
use std::net::TcpListener;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::house::{Client, House};

fn client(authorization: &str) -> Client {
    Client {
        authorization: Some(authorization.to_owned()),
        ..Client::default()
    }
}

#[tokio::test]
async fn no_credentials_are_challenged() {
    let house = House::new(&["a.example"], &[]).await;
    let head = house
        .refused(&Client::default(), "a.example:443", 407)
        .await;
    assert!(
        head.contains("\r\nProxy-Authenticate: Bearer realm=\"narrows\", Basic "),
        "{head}"
    );
    assert!(house.record().contains("no credentials were sent"));
}

#[tokio::test]
async fn a_wrong_token_is_refused_and_recorded_without_it() {
    let house = House::new(&["a.example"], &[]).await;
    house
        .refused(&client("Bearer narrows_wrong"), "a.example:443", 407)
        .await;
    let record = house.record();
    assert!(record.contains("refused 407 narrows/decide"), "{record}");
    assert!(!record.contains("narrows_wrong"), "{record}");
}

#[tokio::test]
async fn a_wrong_password_is_recorded_with_its_user() {
    let house = House::new(&["a.example"], &[]).await;
    house
        .refused(&client("Basic Ym9iOnNlY3JldA=="), "a.example:443", 407)
        .await;
    let record = house.record();
    assert!(
        record.contains("bob") && !record.contains("secret"),
        "{record}"
    );
}

/// Row 30.
#[tokio::test]
async fn row_30_guessing_is_slowed_down_and_the_right_token_passes() {
    guess(2000).await;
}

/// Row 30, in full: `cargo test -p narrows-gateway --test it -- --ignored row_30`.
#[tokio::test]
#[ignore = "takes a minute without optimisation"]
async fn row_30_a_hundred_thousand_guesses() {
    guess(100_000).await;
}

/// So many wrong tokens over one connection, with the right one among them now and then.
async fn guess(tries: u32) {
    let house = House::build(&["a.example"], "auth.failures_per_second = 2", &[], |_| {}).await;
    let alice = Client {
        h2: true,
        ..house.alice()
    };
    let stream = house.connect(&alice).await.unwrap();
    let (mut send, connection) = h2::client::handshake(stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let start = std::time::Instant::now();
    let mut answered = std::collections::BTreeMap::new();
    for n in 0..tries {
        let guess = format!("Bearer narrows_{n}");
        let authorization = match n % 100 {
            99 => alice.authorization.as_deref().unwrap(),
            _ => &guess,
        };
        let request = http::Request::connect("b.example:443")
            .header("proxy-authorization", authorization)
            .body(())
            .unwrap();
        let (answer, _) = send.send_request(request, true).unwrap();
        *answered
            .entry(answer.await.unwrap().status().as_u16())
            .or_insert(0) += 1;
    }
    // Twice the rate at once, and the rate from then on.
    let fair = 2.0_f64.mul_add(start.elapsed().as_secs_f64(), 5.0);
    assert!(f64::from(answered[&407]) <= fair, "{answered:?}");
    assert_eq!(answered[&403], tries / 100, "{answered:?}");
    assert_eq!(answered.values().sum::<u32>(), tries);
    assert_eq!(answered.len(), 3, "{answered:?}");
    driver.abort();
    assert_eq!(house.records().len(), tries as usize);
}

/// Row 19: a request that would be carried, right behind one that is refused for want of credentials, or for
/// wrong ones. It is never parsed: no answer, no record, no connection to its target.
#[tokio::test]
async fn row_19_nothing_behind_a_407_is_parsed() {
    for authorization in ["", "Proxy-Authorization: Bearer narrows_wrong\r\n"] {
        let target = TcpListener::bind("127.0.0.1:0").unwrap();
        target.set_nonblocking(true).unwrap();
        let port = target.local_addr().unwrap().port();
        let feature = format!("echo.example:{port} in 127.0.0.0/8");
        let house = House::new(&[&feature], &[("echo.example", &["127.0.0.1"])]).await;
        let alice = house.alice();
        let mut stream = house.connect(&alice).await.unwrap();
        let host = format!("echo.example:{port}");
        let head = |authorization: &str| {
            format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{authorization}\r\n")
        };
        let welcome = format!("Proxy-Authorization: {}\r\n", alice.authorization.unwrap());
        let both = head(authorization) + &head(&welcome);
        stream.write_all(both.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 407 "), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        let record = house.record();
        assert!(record.contains("refused 407 narrows/decide"), "{record}");
        // Whoever had been dialled would be in the queue by now: the connection has been closed since.
        let nobody = target.accept().expect_err("nobody");
        assert_eq!(nobody.kind(), ErrorKind::WouldBlock);
    }
}

#[tokio::test]
async fn many_wrong_tokens_are_slowed_down_and_the_right_one_passes() {
    let house = House::build(&["a.example"], "auth.failures_per_second = 1", &[], |_| {}).await;
    let wrong = client("Bearer narrows_wrong");
    house.refused(&wrong, "a.example:443", 407).await;
    house.refused(&wrong, "a.example:443", 407).await;
    let head = house.refused(&wrong, "a.example:443", 429).await;
    assert!(head.contains("\r\nRetry-After: "), "{head}");
    house.refused(&house.alice(), "b.example:443", 403).await;
}
