//! Several upstreams: which one serves, whoever dies, and who is blamed.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use narrows_endpoint::{Route, Target};
use narrows_server::{Action, Egress, Settings};
use narrows_upstream::{
    Dialer, Notice, SystemResolver, Timeouts, Upstream, UpstreamHealth, Upstreams,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::house::House;

/// What a proxy does with a CONNECT for this target.
type Manner = fn(&str) -> Does;

#[derive(Clone, Copy, Debug)]
enum Does {
    /// Opens the tunnel and greets in it once it was spoken to.
    Serves,
    /// Answers so, and closes.
    Says(&'static str),
    /// Opens the tunnel, and closes it when it was spoken to.
    OpensAndCloses,
    /// Reads, and never answers.
    Silence,
}

/// A proxy of a certain manner that counts its CONNECTs and logins.
#[derive(Debug)]
struct Proxy {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    logins: Arc<AtomicUsize>,
}

const WRONG_PASSWORD: &str = "HTTP/1.1 407 Proxy Authentication Required\r\n\
     Proxy-Authenticate: Basic realm=\"corp\"\r\nContent-Length: 0\r\n\r\n";

impl Proxy {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, logins) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let counts = (Arc::clone(&asked), Arc::clone(&logins));
        tokio::spawn(async move {
            while let Ok((io, _)) = listener.accept().await {
                let counts = counts.clone();
                tokio::spawn(serve(io, manner, counts));
            }
        });
        Self {
            address,
            asked,
            logins,
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn logins(&self) -> usize {
        self.logins.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut io: TcpStream,
    manner: Manner,
    (asked, logins): (Arc<AtomicUsize>, Arc<AtomicUsize>),
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    asked.fetch_add(1, Ordering::SeqCst);
    let login = head.contains("\r\nProxy-Authorization: ");
    logins.fetch_add(usize::from(login), Ordering::SeqCst);
    match manner(head.split(' ').nth(1).unwrap()) {
        Does::Says(answer) => io.write_all(answer.as_bytes()).await.ok()?,
        Does::Silence => {
            let _ = io.read(&mut [0]).await;
        }
        does => {
            io.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
            io.read_u8().await.ok()?;
            if matches!(does, Does::Serves) {
                io.write_all(b"hello").await.ok()?;
            }
        }
    }
    Some(())
}

/// A server that leaves by these upstreams.
struct Bed {
    house: House,
    upstreams: Arc<Upstreams>,
    notices: Arc<Mutex<Vec<String>>>,
}

impl Bed {
    async fn new(urls: &[String]) -> Self {
        let notices = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&notices);
        let all = urls
            .iter()
            .map(|url| Arc::new(Upstream::new(url.parse().unwrap())));
        let upstreams = Upstreams::new(all).unwrap().with_notice(move |notice| {
            noted.lock().unwrap().push(match notice {
                Notice::Parked(url, why) => format!("{} parked: {why}", url.endpoint()),
                notice => format!("{notice:?}"),
            });
        });
        let upstreams = Arc::new(upstreams);
        let egress = Egress::new(Dialer::new(SystemResolver::default(), Timeouts::default()))
            .with_upstreams(Arc::clone(&upstreams));
        let policy = |_: &Target| Action::forward(Route::Proxy);
        Self {
            house: House::around(policy, egress, Settings::default()).await,
            upstreams,
            notices,
        }
    }

    async fn of(proxies: &[&Proxy]) -> Self {
        let urls = proxies.iter();
        let urls: Vec<_> = urls
            .map(|proxy| format!("http://{}", proxy.address))
            .collect();
        Self::new(&urls).await
    }

    /// What a client gets that speaks first.
    async fn ask(&self, target: &str) -> String {
        self.house
            .say(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\nx").as_bytes())
            .await
    }

    async fn is_served(&self, target: &str) -> bool {
        self.ask(target).await.ends_with("\r\n\r\nhello")
    }

    /// The same, when these proxies are asked in turn and say nothing: the time that each may take goes by
    /// once it was asked, so that the others may be as slow as they are.
    async fn is_served_after(&self, target: &str, silent: &[&Proxy]) -> bool {
        let before: Vec<_> = silent.iter().map(|proxy| proxy.asked()).collect();
        let time_goes_by = async {
            for (proxy, before) in silent.iter().zip(before) {
                while proxy.asked() == before {
                    tokio::task::yield_now().await;
                }
                tokio::time::pause();
                tokio::time::advance(Timeouts::default().request).await;
                tokio::time::resume();
            }
        };
        tokio::join!(self.is_served(target), time_goes_by).0
    }

    fn health(&self, at: usize) -> UpstreamHealth {
        self.upstreams.health().swap_remove(at)
    }

    fn is_parked(&self, at: usize) -> bool {
        self.health(at).parked.is_some()
    }
}

/// A port on which nothing listens.
async fn nowhere() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn the_preferred_one_serves_while_it_works() {
    let (first, second) = (
        Proxy::start(|_| Does::Serves).await,
        Proxy::start(|_| Does::Serves).await,
    );
    let bed = Bed::of(&[&first, &second]).await;
    for _ in 0..3 {
        assert!(bed.is_served("a.example:443").await);
    }
    assert_eq!((first.asked(), second.asked()), (3, 0));
    let facts = bed.health(0).facts;
    for fact in [facts.tcp, facts.connect, facts.tls] {
        assert_eq!(fact.unwrap().error, None);
    }
}

#[tokio::test]
async fn a_refused_connection_costs_no_request() {
    let second = Proxy::start(|_| Does::Serves).await;
    let first = nowhere().await;
    let bed = Bed::new(&[
        format!("http://{first}"),
        format!("http://{}", second.address),
    ])
    .await;
    for _ in 0..3 {
        assert!(bed.is_served("a.example:443").await);
    }
    let health = bed.health(0);
    assert!(
        health
            .facts
            .tcp
            .unwrap()
            .error
            .unwrap()
            .contains("cannot connect to proxy")
    );
    assert!(health.parked.is_some());
    assert_eq!(bed.notices.lock().unwrap().len(), 1, "said once");
}

#[tokio::test]
async fn silence_costs_one_request_its_patience() {
    let second = Proxy::start(|_| Does::Serves).await;
    let first = Proxy::start(|_| Does::Silence).await;
    let bed = Bed::of(&[&first, &second]).await;
    assert!(bed.is_served_after("a.example:443", &[&first]).await);
    assert!(bed.is_parked(0));
    assert!(bed.is_served("b.example:443").await);
    assert_eq!(first.asked(), 1);
}

#[tokio::test]
async fn a_502_is_asked_again_elsewhere() {
    let second = Proxy::start(|_| Does::Serves).await;
    let first = Proxy::start(|_| Does::Says("HTTP/1.1 502 Bad Gateway\r\n\r\n")).await;
    let bed = Bed::of(&[&first, &second]).await;
    assert!(bed.is_served("a.example:443").await);
    assert!(!bed.is_parked(0), "one target is no evidence");
    assert!(bed.is_served("a.example:443").await);
    assert_eq!(first.asked(), 1, "that target goes elsewhere first");
    assert!(bed.is_served("b.example:443").await);
    assert!(bed.is_parked(0), "two are");
    assert!(bed.is_served("c.example:443").await);
    assert_eq!(first.asked(), 2);
}

#[tokio::test]
async fn a_502_that_names_the_proxy_parks_at_once() {
    let second = Proxy::start(|_| Does::Serves).await;
    let first = Proxy::start(|_| {
        Does::Says("HTTP/1.1 502 No\r\nProxy-Status: p; error=proxy_internal_error\r\n\r\n")
    })
    .await;
    let bed = Bed::of(&[&first, &second]).await;
    assert!(bed.is_served("a.example:443").await);
    assert!(bed.is_parked(0));
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_the_next_one_serves() {
    let second = Proxy::start(|_| Does::Serves).await;
    let first = Proxy::start(|_| Does::Says(WRONG_PASSWORD)).await;
    let bed = Bed::new(&[
        format!("http://svc:wrong@{}", first.address),
        format!("http://{}", second.address),
    ])
    .await;
    for _ in 0..3 {
        assert!(bed.is_served("a.example:443").await);
    }
    assert_eq!((first.asked(), first.logins()), (2, 1));
    assert_eq!(second.logins(), 0);
    let error = bed.health(0).facts.connect.unwrap().error.unwrap();
    assert!(error.contains("rejected the configured ones"), "{error}");
    assert!(!error.contains("wrong"), "{error}");
}

#[tokio::test]
async fn a_tunnel_that_gives_nothing_is_not_opened_there_again() {
    let second = Proxy::start(|_| Does::Serves).await;
    let first = Proxy::start(|_| Does::OpensAndCloses).await;
    let bed = Bed::of(&[&first, &second]).await;
    assert!(!bed.is_served("a.example:443").await);
    bed.house.notes.ended(1).await;
    assert!(bed.is_served("a.example:443").await);
    assert!(!bed.is_parked(0), "one target is no evidence");
    assert!(!bed.is_served("b.example:443").await);
    bed.house.notes.ended(3).await;
    assert!(bed.is_parked(0));
    assert!(bed.is_served("c.example:443").await);
    let error = bed.health(0).facts.tls.unwrap().error.unwrap();
    assert!(error.contains("nothing came back"), "{error}");
}

#[tokio::test]
async fn a_bad_target_parks_nobody() {
    let manner: Manner = |target| match target.split('.').next().unwrap() {
        "down" => Does::Says("HTTP/1.1 502 Bad Gateway\r\n\r\n"),
        "slow" => Does::Silence,
        "cut" => Does::OpensAndCloses,
        "forbidden" => Does::Says("HTTP/1.1 403 Forbidden\r\n\r\n"),
        _ => Does::Serves,
    };
    let (first, second) = (Proxy::start(manner).await, Proxy::start(manner).await);
    let bed = Bed::of(&[&first, &second]).await;
    let mut ended = 0;
    for target in [
        "down.n1.example:443",
        "down.n2.example:443",
        "down.n3.example:443",
    ] {
        assert!(!bed.is_served(target).await);
    }
    let both = [&first, &second];
    assert!(!bed.is_served_after("slow.n1.example:443", &both).await);
    for target in [
        "cut.n1.example:443",
        "cut.n1.example:443",
        "cut.n2.example:443",
        "cut.n2.example:443",
    ] {
        assert!(!bed.is_served(target).await);
        ended += 1;
        bed.house.notes.ended(ended).await;
    }
    let asked = second.asked();
    assert!(
        bed.ask("forbidden.n1.example:443")
            .await
            .starts_with("HTTP/1.1 403 ")
    );
    assert_eq!(second.asked(), asked, "no way round a policy");
    assert!(!bed.is_parked(0) && !bed.is_parked(1));
    let before = first.asked();
    assert!(bed.is_served("good.example:443").await);
    assert_eq!(first.asked(), before + 1);
    assert!(bed.notices.lock().unwrap().is_empty());
}

/// Both are dead: both are tried, and both are named.
#[tokio::test]
async fn all_are_named_when_all_fail() {
    let (first, second) = (nowhere().await, nowhere().await);
    let bed = Bed::new(&[format!("http://{first}"), format!("http://{second}")]).await;
    for _ in 0..2 {
        let answer = bed.ask("a.example:443").await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        for proxy in [first, second] {
            assert!(answer.contains(&proxy.to_string()), "{answer}");
        }
    }
}

#[tokio::test]
async fn an_upstream_that_comes_back_is_used_again() {
    let second = Proxy::start(|_| Does::Serves).await;
    let free = nowhere().await;
    let bed = Bed::new(&[
        format!("http://{free}"),
        format!("http://{}", second.address),
    ])
    .await;
    assert!(bed.is_served("a.example:443").await);
    let listener = TcpListener::bind(free).await.unwrap();
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            tokio::spawn(serve(io, |_| Does::Serves, Default::default()));
        }
    });
    // Until a request has found out, within a second or so.
    while bed.is_parked(0) {
        assert!(bed.is_served("a.example:443").await);
    }
    assert!(
        bed.notices
            .lock()
            .unwrap()
            .last()
            .unwrap()
            .starts_with("Back(")
    );
}

/// Plain HTTP in absolute form takes the same upstream.
#[tokio::test]
async fn plain_requests_pass_over_a_dead_upstream_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let second = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut io, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let _ = io.read(&mut head).await;
            let _ = io.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    });
    let first = nowhere().await;
    let bed = Bed::new(&[format!("http://{first}"), format!("http://{second}")]).await;
    let request = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
    for _ in 0..2 {
        let answer = bed.house.say(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    }
    assert!(bed.is_parked(0));
}
