//! Policy, egress and settings are replaced together, and what is open does not notice.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use narrows_endpoint::{Route, Target};
use narrows_server::{
    Action, Egress, Ended, Observe, Opened, Policy, Refused, Request, Server, Settings,
};
use narrows_upstream::{Dialer, SystemResolver, Timeouts, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::house::read_head;

/// An enterprise proxy that answers every CONNECT with 200 and its name, every other request with its name,
/// and keeps the request lines.
#[derive(Clone)]
struct Double {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Double {
    async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let double = Self {
            address: listener.local_addr().unwrap(),
            heard: Arc::default(),
        };
        let heard = Arc::clone(&double.heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, name, Arc::clone(&heard)));
            }
        });
        double
    }

    fn egress(&self) -> Egress {
        let url = format!("http://{}", self.address).parse().unwrap();
        let dialer = Dialer::new(SystemResolver::default(), Timeouts::default());
        Egress::new(dialer).with_upstream(Arc::new(Upstream::new(url)))
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, name: &str, heard: Arc<Mutex<Vec<String>>>) {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(octet) => head.push(octet),
                Err(_) => return,
            }
        }
        let head = String::from_utf8(head).unwrap();
        let line = head.lines().next().unwrap().to_owned();
        let answer = match line.starts_with("CONNECT ") {
            true => format!("HTTP/1.1 200 OK\r\n\r\n{name}"),
            false => format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{name}",
                name.len()
            ),
        };
        heard.lock().unwrap().push(line);
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// Keeps the generation of every request.
#[derive(Clone, Default)]
struct Generations(Arc<Mutex<Vec<u64>>>);

impl Observe for Generations {
    fn opened(&self, opened: &Opened<'_>) {
        self.0.lock().unwrap().push(opened.asked.id.listener);
    }

    fn ended(&self, _: &Ended<'_>) {}

    fn refused(&self, refused: &Refused<'_>) {
        self.0.lock().unwrap().push(refused.id.listener);
    }
}

/// Everything by the enterprise proxy; and what is to happen while the first request is being judged.
#[derive(Default)]
struct ByProxy {
    meanwhile: OnceLock<Box<dyn Fn() + Send + Sync>>,
    asked: Mutex<usize>,
}

impl Policy for ByProxy {
    type Connection = ();

    fn decide(&self, _: &Request<'_, ()>) -> Action {
        let mut asked = self.asked.lock().unwrap();
        *asked += 1;
        if let (1, Some(meanwhile)) = (*asked, self.meanwhile.get()) {
            meanwhile();
        }
        Action::forward(Route::Proxy)
    }
}

/// A client that the server serves, as if it came from `address`.
async fn client<P: Policy<Connection = ()>>(
    server: &Server<P, Generations>,
    address: [u8; 4],
) -> TcpStream {
    let (ours, theirs) = crate::h2::pair().await;
    let server = server.clone();
    tokio::spawn(async move {
        let client = (address, 40_000).into();
        server.serve_connection(theirs, client, ()).await;
    });
    ours
}

const LOCAL: [u8; 4] = [127, 0, 0, 1];

/// Opens a tunnel and gives the name of the proxy that carries it.
async fn carried_by(client: &mut TcpStream) -> String {
    client
        .write_all(b"CONNECT far.test:443 HTTP/1.1\r\nHost: far.test:443\r\n\r\n")
        .await
        .unwrap();
    let head = read_head(client).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    char::from(client.read_u8().await.unwrap()).to_string()
}

async fn ask_plain(client: &mut TcpStream) -> String {
    client
        .write_all(b"GET http://far.test/ HTTP/1.1\r\nHost: far.test\r\n\r\n")
        .await
        .unwrap();
    let head = read_head(client).await;
    let status = head.split(' ').nth(1).unwrap().to_owned();
    match &*status {
        "200" => char::from(client.read_u8().await.unwrap()).to_string(),
        _ => status,
    }
}

/// Row 45: the setup changes in the middle of a decision, and the request goes out as it came in.
#[tokio::test]
async fn row_45_a_request_is_judged_and_carried_by_one_setup() {
    let (a, b) = (Double::start("A").await, Double::start("B").await);
    let (policy, seen) = (Arc::new(ByProxy::default()), Generations::default());
    let server = Server::new(
        Arc::clone(&policy),
        a.egress(),
        seen.clone(),
        Settings::default(),
    );
    let (handle, b_egress) = (server.clone(), Mutex::new(Some(b.egress())));
    let meanwhile = Box::new(move || {
        let egress = b_egress.lock().unwrap().take().unwrap();
        assert_eq!(
            handle.reload(Arc::default(), egress, Settings::default()),
            2
        );
    });
    assert!(policy.meanwhile.set(meanwhile).is_ok());

    let mut first = client(&server, LOCAL).await;
    assert_eq!(carried_by(&mut first).await, "A");
    assert_eq!(server.generation(), 2);
    let mut second = client(&server, LOCAL).await;
    assert_eq!(carried_by(&mut second).await, "B");
    assert_eq!((a.heard().len(), b.heard().len()), (1, 1));
    assert_eq!(*seen.0.lock().unwrap(), [1, 2]);
}

#[tokio::test]
async fn a_kept_connection_is_not_used_for_requests_of_another_setup() {
    let (a, b) = (Double::start("A").await, Double::start("B").await);
    let policy = |_: &Target| Action::forward(Route::Proxy);
    let server = Server::new(
        policy,
        a.egress(),
        Generations::default(),
        Settings::default(),
    );
    let mut client = client(&server, LOCAL).await;
    assert_eq!(ask_plain(&mut client).await, "A");
    assert_eq!(ask_plain(&mut client).await, "A");
    server.reload(policy, b.egress(), Settings::default());
    assert_eq!(ask_plain(&mut client).await, "B");
    assert_eq!((a.heard().len(), b.heard().len()), (2, 1));
}

#[tokio::test]
async fn an_open_tunnel_lives_on_and_keeps_no_old_rules() {
    let a = Double::start("A").await;
    let policy = Arc::new(ByProxy::default());
    let old = Arc::downgrade(&policy);
    let server = Server::new(
        policy,
        a.egress(),
        Generations::default(),
        Settings::default(),
    );
    let mut tunnel = client(&server, LOCAL).await;
    assert_eq!(carried_by(&mut tunnel).await, "A");
    server.reload(Arc::default(), a.egress(), Settings::default());
    assert_eq!(
        carried_by(&mut tunnel).await,
        "A",
        "a head for the proxy beyond"
    );
    assert!(old.upgrade().is_none());
}

#[tokio::test]
async fn a_client_that_is_not_served_any_more_learns_it_with_its_next_request() {
    let a = Double::start("A").await;
    let policy = |_: &Target| Action::forward(Route::Proxy);
    let mut settings = Settings::default();
    settings.clients = vec!["10.0.0.0/8".parse().unwrap()];
    let server = Server::new(policy, a.egress(), Generations::default(), settings);
    let mut client = client(&server, [10, 0, 0, 1]).await;
    assert_eq!(ask_plain(&mut client).await, "A");
    server.reload(policy, a.egress(), Settings::default());
    assert_eq!(ask_plain(&mut client).await, "403");
    assert_eq!(a.heard().len(), 1);
}
