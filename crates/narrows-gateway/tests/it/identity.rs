//! Tokens: who gets in, and what the others are told.

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

/// Row 30, over one connection; the unit test of `Attempts` makes its hundred thousand tries without
/// sockets. What is remembered is a count for each address.
#[tokio::test]
async fn row_30_guessing_is_slowed_down_and_the_right_token_passes() {
    const TRIES: u32 = 2000;
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
    for n in 0..TRIES {
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
    assert_eq!(answered[&403], TRIES / 100, "{answered:?}");
    assert_eq!(answered.values().sum::<u32>(), TRIES);
    assert_eq!(answered.len(), 3, "{answered:?}");
    driver.abort();
    assert_eq!(house.records().len(), TRIES as usize);
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
