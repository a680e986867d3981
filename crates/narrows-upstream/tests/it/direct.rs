//! Straight to the target.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use narrows_endpoint::{Hop, Name, Step, Target};
use narrows_upstream::{
    Denied, DialErrorKind, Dialer, Resolve, ResolveError, Resolving, StaticResolver, Timeouts,
    Upstream,
};
use tokio::net::TcpSocket;

use crate::scripted::dialer;

const FIRST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 1));
const SECOND: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));

/// Never answers, and does not like to be asked about literal addresses.
struct Silent;

impl Resolve for Silent {
    fn resolve<'a>(&'a self, _: &'a Name) -> Resolving<'a> {
        Box::pin(std::future::pending())
    }
}

/// A listener that accepts nothing until asked; the kernel completes connections to it meanwhile.
fn listen(at: IpAddr) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((at, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// Listeners at [`SECOND`] and [`FIRST`] with one port, which is the address of the first of them.
fn both() -> (TcpListener, TcpListener, SocketAddr) {
    loop {
        let (second, addr) = listen(SECOND);
        // Another test may have that port.
        if let Ok(first) = TcpListener::bind((FIRST, addr.port())) {
            first.set_nonblocking(true).unwrap();
            return (second, first, addr);
        }
    }
}

/// A port that refuses connections and cannot be taken by another test.
fn closed_port() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let addr = socket.local_addr().unwrap();
    (socket, addr)
}

fn named(addr: SocketAddr) -> Target {
    format!("target.example:{}", addr.port()).parse().unwrap()
}

fn literal(addr: SocketAddr) -> Target {
    addr.to_string().parse().unwrap()
}

fn resolving_to(addrs: &[IpAddr]) -> StaticResolver {
    StaticResolver::new().with("target.example".parse().unwrap(), addrs.iter().copied())
}

#[tokio::test]
async fn names_are_resolved_and_dialled() {
    let (listener, addr) = listen(FIRST);
    let connected = dialer().direct(&named(addr)).await.unwrap();
    assert_eq!(connected.peer, addr);
    assert!(connected.early.is_empty());
    assert!(connected.io.socket().unwrap().nodelay().unwrap());
    assert!(listener.accept().is_ok());
}

#[tokio::test]
async fn literal_addresses_never_reach_the_resolver() {
    let (_listener, addr) = listen(FIRST);
    let dialer = Dialer::new(Silent, Timeouts::default());
    assert_eq!(dialer.direct(&literal(addr)).await.unwrap().peer, addr);
}

#[tokio::test]
async fn the_second_address_serves_when_the_first_refuses() {
    let (listener, addr) = listen(SECOND);
    let dialer = Dialer::new(resolving_to(&[FIRST, SECOND]), Timeouts::default());
    let connected = dialer.direct(&named(addr)).await.unwrap();
    assert_eq!(connected.peer, addr);
    assert!(listener.accept().is_ok());
}

#[tokio::test]
async fn a_refusal_is_the_targets() {
    let (_port, addr) = closed_port();
    for target in [named(addr), literal(addr)] {
        let error = dialer().direct(&target).await.unwrap_err();
        assert_eq!((error.hop(), error.step()), (Hop::Target, Step::Connect));
        assert_eq!(error.status(), 502);
        assert_eq!(error.proxy_error().as_str(), "connection_refused");
        let start = format!("cannot connect to {target}: connection refused by {addr} ");
        assert!(error.to_string().starts_with(&start), "{error}");
    }
}

#[tokio::test]
async fn every_address_that_failed_is_kept() {
    let (_port, addr) = closed_port();
    let dialer = Dialer::new(resolving_to(&[FIRST, SECOND]), Timeouts::default());
    let error = dialer.direct(&named(addr)).await.unwrap_err();
    let DialErrorKind::Connect(failure) = error.kind() else {
        panic!("{error}");
    };
    let tried: Vec<_> = failure.attempts().iter().map(|a| a.peer.ip()).collect();
    assert_eq!(tried, [FIRST, SECOND]);
}

#[tokio::test]
async fn an_unknown_name_is_a_dns_error() {
    for resolver in [StaticResolver::new(), resolving_to(&[])] {
        let dialer = Dialer::new(resolver, Timeouts::default());
        let error = dialer.direct(&"target.example:1".parse().unwrap()).await;
        let error = error.unwrap_err();
        assert_eq!((error.hop(), error.step()), (Hop::Target, Step::Resolve));
        assert_eq!(
            (error.status(), error.proxy_error().as_str()),
            (502, "dns_error")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_resolver_has_its_own_deadline() {
    let timeouts = Timeouts {
        resolve: Duration::from_secs(3),
        ..Timeouts::default()
    };
    let dialer = Dialer::new(Silent, timeouts);
    let error = dialer.direct(&"target.example:1".parse().unwrap()).await;
    let error = error.unwrap_err();
    assert!(matches!(
        error.kind(),
        DialErrorKind::Resolve(ResolveError::Timeout)
    ));
    assert_eq!(
        (error.status(), error.proxy_error().as_str()),
        (504, "dns_timeout")
    );
    assert_eq!(error.elapsed(), Duration::from_secs(3));
}

#[tokio::test]
async fn a_denied_address_is_never_dialled() {
    let (listener, addr) = listen(FIRST);
    let judge = |_: &Target, _: IpAddr| Err(Denied::new("loopback address"));
    let dialer = dialer().with_judge(judge);
    for target in [named(addr), literal(addr)] {
        let error = dialer.direct(&target).await.unwrap_err();
        assert_eq!((error.hop(), error.step()), (Hop::Narrows, Step::Decide));
        assert_eq!(error.status(), 403);
        assert_eq!(error.proxy_error().as_str(), "destination_ip_prohibited");
        assert!(error.to_string().ends_with("127.0.0.1: loopback address"));
    }
    // On loopback a SYN is an accepted connection at once, so nothing was sent.
    let nothing = listener.accept().unwrap_err();
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
}

/// A proxy by the name of this machine may be this program itself.
#[tokio::test]
async fn a_denied_proxy_is_never_dialled() {
    let (listener, addr) = listen(FIRST);
    let port = addr.port();
    let judge = move |proxy: &Target, ip: IpAddr| match (proxy.port() == port, ip) {
        (true, FIRST) => Err(Denied::new("this proxy itself listens there")),
        _ => Ok(()),
    };
    let dialer = dialer().with_proxy_judge(judge);
    let proxy = Upstream::new(format!("http://proxy.example:{port}").parse().unwrap());
    for error in [
        dialer.through(&proxy, &named(addr)).await.unwrap_err(),
        dialer.to_proxy(&proxy).await.unwrap_err(),
    ] {
        assert_eq!((error.hop(), error.step()), (Hop::Narrows, Step::Decide));
        assert_eq!(error.status(), 502);
        let expected = format!(
            "proxy proxy.example:{port} may not be reached at 127.0.0.1: \
             this proxy itself listens there"
        );
        assert_eq!(error.to_string(), expected);
    }
    let nothing = listener.accept().unwrap_err();
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
    // Targets are not its business.
    assert!(dialer.direct(&named(addr)).await.is_ok());
}

#[tokio::test]
async fn all_denials_are_counted() {
    let judge = |_: &Target, _: IpAddr| Err(Denied::new("loopback address"));
    let resolver = resolving_to(&[SECOND, FIRST]);
    let dialer = Dialer::new(resolver, Timeouts::default()).with_judge(judge);
    let error = dialer.direct(&"target.example:1".parse().unwrap()).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "target.example:1 may not be reached at 127.0.0.2: loopback address; \
         all its 2 addresses are denied"
    );
}

/// Row 14: of a mixed answer, what is denied gets no SYN, although somebody listens there.
#[tokio::test]
async fn only_judged_addresses_are_dialled() {
    let (listener, denied, addr) = both();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let judge = move |target: &Target, ip: IpAddr| {
        seen.lock().unwrap().push((target.to_string(), ip));
        match ip {
            FIRST => Err(Denied::new("not this one")),
            _ => Ok(()),
        }
    };
    let mapped: IpAddr = "::ffff:127.0.0.1".parse().unwrap();
    let resolver = resolving_to(&[mapped, SECOND]);
    let dialer = Dialer::new(resolver, Timeouts::default()).with_judge(judge);
    let target = named(addr);
    let connected = dialer.direct(&target).await.unwrap();
    assert_eq!(connected.peer, addr);
    assert!(listener.accept().is_ok());
    let nothing = denied.accept().unwrap_err();
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
    let text = target.to_string();
    assert_eq!(
        *asked.lock().unwrap(),
        [(text.clone(), FIRST), (text, SECOND)]
    );
}
