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
