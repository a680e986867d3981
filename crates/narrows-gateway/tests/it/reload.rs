//! Changes on disk while the gateway serves.

use narrows_gateway::tokens::TokenFile;

use crate::house::House;

#[tokio::test]
async fn a_revoked_token_is_refused_from_the_next_request_on() {
    let house = House::new(&["a.example"], &[]).await;
    house.refused(&house.alice(), "b.example:443", 403).await;
    TokenFile::new(house.dir.path().join("tokens.json"))
        .revoke("alice")
        .unwrap();
    assert_eq!(house.state.refresh(), ["reloaded tokens"]);
    house.refused(&house.alice(), "b.example:443", 407).await;
}

#[tokio::test]
async fn bad_files_change_nothing_and_are_named() {
    let house = House::new(&["a.example"], &[("a.example", &["127.0.0.1"])]).await;
    let (definition, key) = (
        house.dir.path().join("gateways/trial.json"),
        house.dir.path().join("tls/key.pem"),
    );
    let text = std::fs::read_to_string(&definition).unwrap();
    std::fs::write(&definition, text.replace("a.example", "**")).unwrap();
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    std::fs::write(&key, other).unwrap();
    let told = house.state.refresh();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(
        told[0].contains("definitions stay as they were: ") && told[0].contains("trial.json:3: "),
        "{told:#?}"
    );
    assert!(
        told[1].contains("certificates stay as they were: ") && told[1].contains("key.pem"),
        "{told:#?}"
    );
    assert!(house.state.refresh().is_empty(), "it is said once");
    let head = house.refused(&house.alice(), "a.example:443", 403).await;
    assert!(head.contains("denied address class loopback"), "{head}");
}

#[tokio::test]
async fn a_deleted_gateway_carries_nothing_more() {
    let house = House::new(&["a.example"], &[]).await;
    let (mut before, _) = (house.connect(&house.alice()).await.unwrap(), ());
    std::fs::remove_file(house.dir.path().join("gateways/trial.json")).unwrap();
    assert_eq!(house.state.refresh(), ["reloaded definitions"]);
    let head = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut before, head.as_bytes())
        .await
        .unwrap();
    let head = crate::house::read_head(&mut before).await;
    assert!(head.starts_with("HTTP/1.1 421 "), "{head}");
    assert!(house.connect(&house.alice()).await.is_err());
}
