//! Handshakes: which gateway is meant, and those that come to nothing.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::house::{Client, House};

fn named(sni: &'static str) -> Client {
    Client {
        sni: Some(sni),
        ..Client::default()
    }
}

/// A second gateway in the same directory.
fn second(dir: &std::path::Path) {
    let json = r#"{"allowedFeatures": ["b.example"], "gatewayEndpoint": "second.gw.localhost",
        "gatewayId": "", "gatewayType": "Public", "id": "", "location": "", "name": "second",
        "provisioningState": "Succeeded", "resourceGroup": "", "type": ""}"#;
    std::fs::create_dir_all(dir.join("gateways")).unwrap();
    std::fs::write(dir.join("gateways/second.json"), json).unwrap();
}

#[tokio::test]
async fn gateways_are_told_apart_by_name_and_others_refused() {
    let house = House::build(&["a.example"], "", &[], second).await;
    let error = house
        .connect(&named("localhost"))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("UnrecognisedName"), "{error}");
    let alice = Client {
        sni: Some("second.gw.localhost"),
        ..house.alice()
    };
    let head = house.refused(&alice, "a.example:443", 403).await;
    assert!(head.contains("no feature of gateway second"), "{head}");
    let records = house.records();
    assert_eq!(records.len(), 2, "{records:#?}");
    let unknown = "refused 499 client/tls: no gateway is named \\\"localhost\\\"";
    assert!(records[0].contains(unknown), "{records:#?}");
}

#[tokio::test]
async fn silence_is_cut_at_the_deadline() {
    let house = House::build(&["*"], "tls.handshake_seconds = 0.05", &[], |_| {}).await;
    let mut silent = TcpStream::connect(house.address).await.unwrap();
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).await.unwrap();
    assert!(
        house
            .record()
            .contains("client/tls: the TLS handshake was not complete in time")
    );
}

#[tokio::test]
async fn plain_http_is_no_handshake() {
    let house = House::new(&["*"], &[]).await;
    let mut plain = TcpStream::connect(house.address).await.unwrap();
    plain
        .write_all(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let mut rest = Vec::new();
    let _ = plain.read_to_end(&mut rest).await;
    assert!(house.record().contains(
        "client/tls: the client does not speak TLS: its proxy URL must begin with https://"
    ));
}

#[tokio::test]
async fn silence_takes_no_place_from_others() {
    let house = House::build(&["a.example"], "tls.handshakes = 1", &[], |_| {}).await;
    let _silent = TcpStream::connect(house.address).await.unwrap();
    house.refused(&house.alice(), "b.example:443", 403).await;
}
