//! Row 36, at the gateway: clients that leave before, in and behind TLS. Their tasks end, and what they
//! asked for is recorded once.

use std::sync::Arc;
use std::time::Duration;

use narrows_upstream::{Resolve, Resolving};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::house::{Client, House, echo};

/// Longer than any of this takes on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(30);

/// The tasks of this test's runtime: the gateway's, and those of doubles.
fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Waits until there are no more tasks than before anybody came.
async fn settled(idle: usize) {
    let settled = async {
        while tasks() > idle {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = timeout(PATIENCE, settled).await;
    assert!(waited.is_ok(), "{} tasks, not {idle}", tasks());
}

/// Closes, or resets.
fn leave(client: &TcpStream, reset: bool) {
    if reset {
        client.set_zero_linger().unwrap();
    }
}

fn connect_head(target: &str, authorization: &str) -> String {
    format!(
        "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: {authorization}\r\n\r\n"
    )
}

#[tokio::test]
async fn row_36_before_and_within_the_handshake() {
    let house = House::new(&["a.example"], &[]).await;
    let idle = tasks();
    for octets in [&b""[..], &[0x16, 3, 1, 2, 0, 1, 0, 1, 252]] {
        for reset in [false, true] {
            let mut client = TcpStream::connect(house.address).await.unwrap();
            client.write_all(octets).await.unwrap();
            leave(&client, reset);
        }
    }
    settled(idle).await;
    house.refused(&house.alice(), "b.example:443", 403).await;
    for record in house.records() {
        let known = ["499 client/tls", "403 narrows/decide"];
        assert!(known.iter().any(|known| record.contains(known)), "{record}");
    }
}

#[tokio::test]
async fn row_36_within_the_head_and_after_a_refusal() {
    let house = House::new(&["a.example"], &[]).await;
    let idle = tasks();
    for reset in [false, true] {
        let mut client = house.connect(&Client::default()).await.unwrap();
        client.write_all(b"CONNECT a.exa").await.unwrap();
        leave(client.get_ref().0, reset);
    }
    for reset in [false, true] {
        let (client, head) = house.ask(&Client::default(), "a.example:443").await;
        assert!(head.starts_with("HTTP/1.1 407 "), "{head}");
        leave(client.get_ref().0, reset);
    }
    settled(idle).await;
    let records = house.records();
    let count = |of: &str| records.iter().filter(|record| record.contains(of)).count();
    assert_eq!(count("refused 407 narrows/decide"), 2, "{records:#?}");
    // Of those who left within the head: a reset may overtake its octets, and even the end of the handshake.
    let left = count("refused 499 client/head") + count("refused 499 client/tls");
    assert!((1..=2).contains(&left), "{records:#?}");
    assert_eq!(records.len(), 2 + left, "{records:#?}");
}

/// Never answers, and says how often it was asked.
#[derive(Clone)]
struct Silent(Arc<Semaphore>);

impl Resolve for Silent {
    fn resolve<'a>(&'a self, _: &'a narrows_endpoint::Name) -> Resolving<'a> {
        self.0.add_permits(1);
        Box::pin(std::future::pending())
    }
}

/// The default deadline for a name is ten seconds: a client that resets does not wait for it.
#[tokio::test]
async fn row_36_while_a_name_is_resolved() {
    let asked = Arc::new(Semaphore::new(0));
    let house = House::resolving(&["a.example"], Silent(Arc::clone(&asked))).await;
    let idle = tasks();
    let alice = house.alice();
    let authorization = alice.authorization.clone().unwrap();
    let mut h1 = house.connect(&alice).await.unwrap();
    let head = connect_head("a.example:443", &authorization);
    h1.write_all(head.as_bytes()).await.unwrap();
    asked.acquire().await.unwrap().forget();
    leave(h1.get_ref().0, true);
    drop(h1);
    settled(idle).await;

    let h2 = house.connect(&Client { h2: true, ..alice }).await.unwrap();
    leave(h2.get_ref().0, true);
    let (mut send, connection) = h2::client::handshake(h2).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = http::Request::connect("a.example:443");
    let request = request.header("proxy-authorization", authorization);
    let (answer, _stream) = send.send_request(request.body(()).unwrap(), false).unwrap();
    asked.acquire().await.unwrap().forget();
    driver.abort();
    assert!(answer.await.is_err());
    drop((send, driver));
    settled(idle).await;
    let records = house.records();
    assert_eq!(records.len(), 2, "{records:#?}");
    for record in records {
        assert!(record.contains("refused 499 client/request"), "{record}");
    }
}

#[tokio::test]
async fn row_36_while_the_tunnel_carries() {
    let port = echo().await.port();
    let feature = format!("echo.example:{port} in 127.0.0.0/8");
    let house = House::new(&[&feature], &[("echo.example", &["127.0.0.1"])]).await;
    let idle = tasks();
    let target = format!("echo.example:{port}");
    for reset in [false, true] {
        let (mut client, head) = house.ask(&house.alice(), &target).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        client.write_all(b"hello").await.unwrap();
        client.read_exact(&mut [0; 5]).await.unwrap();
        leave(client.get_ref().0, reset);
    }
    settled(idle).await;
    let records = house.records();
    let ended = records
        .iter()
        .filter(|record| record.contains("bytes ->:5, <-:5"));
    assert_eq!(ended.count(), 2, "{records:#?}");
}
