//! Limits of a gateway.

use std::sync::Arc;
use std::time::Duration;

use narrows_gateway::definition::GatewayName;
use narrows_gateway::store::Store;

use crate::house::{House, echo};

#[tokio::test]
async fn an_identity_has_so_many_tunnels() {
    let port = echo().await.port();
    let feature = format!("echo.example:{port} in 127.0.0.0/8");
    let house = House::new(&[&feature], &[("echo.example", &["127.0.0.1"])]).await;
    limit(&house, r#"{"identityTunnels": 1}"#);
    let target = format!("echo.example:{port}");
    let (first, head) = house.ask(&house.alice(), &target).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let head = house.refused(&house.alice(), &target, 503).await;
    assert!(head.contains("error=connection_limit_reached"), "{head}");
    assert!(head.contains("\r\nRetry-After: 1\r\n"), "{head}");
    drop(first);
    house.tunnels_become(0).await;
    let (_second, head) = house.ask(&house.alice(), &target).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}

#[tokio::test]
async fn opens_are_counted_by_the_second() {
    // Refused by the judge after they were counted, so nothing needs to listen.
    let house = House::new(&["a.example"], &[("a.example", &["127.0.0.1"])]).await;
    limit(&house, r#"{"opensPerSecond": 1}"#);
    house.refused(&house.alice(), "a.example:443", 403).await;
    house.refused(&house.alice(), "a.example:443", 403).await;
    let head = house.refused(&house.alice(), "a.example:443", 429).await;
    assert!(head.contains("\r\nRetry-After: "), "{head}");
}

/// Rewrites the definition and lets the gateway see it.
fn limit(house: &House, narrows: &str) {
    let store = Store::new(house.dir.path().join("gateways"));
    let name: GatewayName = "trial".parse().unwrap();
    let mut definition = store.delete(&name).unwrap().unwrap().definition;
    definition.narrows = serde_json::from_str(narrows).unwrap();
    store.create(&definition).unwrap();
    assert_eq!(house.state.refresh(), ["reloaded definitions"]);
}

impl House {
    /// Waits until so many tunnels are open: a client's close takes a moment to arrive.
    async fn tunnels_become(&self, wanted: u32) {
        let usage = Arc::clone(&self.state.gateways.load().gateways()[0].usage);
        let become_so = async {
            while usage.tunnels() != wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(10), become_so).await;
        assert!(
            waited.is_ok(),
            "a place comes back when its tunnel has ended"
        );
    }
}
