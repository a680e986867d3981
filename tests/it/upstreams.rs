//! Enterprise proxies of every kind, each a real one.

use narrows_tests::program;
use narrows_tests::proxy::{Proxy, Setup};
use narrows_tests::raw::{Peer, Raw, closed_port};
use narrows_tests::server::Server;
use narrows_tests::squid::Squid;
use narrows_tests::tls::Tls;
use tempfile::TempDir;

/// A target that answers a tunnel's octets and a plain request alike.
fn target() -> Peer {
    Peer::start(|mut client: Raw| {
        let head = client.head();
        assert!(head.first_line().starts_with("GET /"), "{}", head.as_str());
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\ntarget");
        client.finish();
        client.end();
    })
}

/// A tunnel and a plain request both come through.
fn serves(proxy: &Proxy) {
    let target = target();
    let address = target.address;
    let request =
        |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    for _ in 0..2 {
        let mut tunnel = proxy.tunnel(&address.to_string());
        tunnel.send(request("/"));
        assert!(tunnel.end().text().ends_with("target"));
    }
    let (head, body) = proxy.ask(request(&format!("http://{address}/")));
    assert_eq!((head.status(), body.as_str()), (200, "target"));
}

fn with_ca(urls: &str, tls: &Tls) -> Proxy {
    let toml = format!("[proxy]\nurl = {urls}\nca_file = {:?}\n", tls.ca_file);
    Setup::new().config(toml).start()
}

#[test]
fn squid_with_digest() {
    if !Squid::available() {
        return;
    }
    let Some(squid) = Squid::by_digest("svc", "p@ss%word") else {
        return;
    };
    let proxy = Proxy::through(&squid.url);
    serves(&proxy);
    let access = squid.access(4);
    let results: Vec<_> = access
        .iter()
        .map(|line| (line.result.as_str(), line.user.as_str()))
        .collect();
    // One challenge, and then its nonce again and again.
    assert_eq!(results[0].0, "TCP_DENIED/407");
    assert_eq!(results[1], ("TCP_TUNNEL/200", "svc"));
    assert!(
        results[1..]
            .iter()
            .all(|(result, user)| *user == "svc" && result.ends_with("/200"))
    );
    proxy.stop();
}

#[test]
fn squid_with_a_wrong_digest_password_is_asked_once() {
    if !Squid::available() {
        return;
    }
    let Some(squid) = Squid::by_digest("svc", "right") else {
        return;
    };
    let proxy = Proxy::through(squid.url.replace("right", "wrong"));
    for _ in 0..3 {
        let target = "example.test:443";
        let (head, body) = proxy.ask(narrows_tests::proxy::connect_head(target));
        assert_eq!(head.status(), 502);
        assert!(body.contains("rejected the configured ones"), "{body}");
    }
    let with_login = |lines: Vec<narrows_tests::squid::Access>| {
        lines.iter().filter(|line| line.user == "svc").count()
    };
    assert!(with_login(squid.access(4)) <= 1);
    proxy.stop();
}

#[test]
fn squid_inside_tls() {
    let able = Squid::available()
        && ["--with-gnutls", "--with-openssl"]
            .into_iter()
            .any(Squid::built_with);
    if !able {
        program::unable("no Squid that speaks TLS");
        return;
    }
    let directory = TempDir::new().unwrap();
    let tls = Tls::create(directory.path());
    let squid = Squid::in_tls(&tls);
    let proxy = with_ca(&format!("{:?}", squid.url), &tls);
    serves(&proxy);
    assert_eq!(squid.access(3)[0].result, "TCP_TUNNEL/200");
    proxy.stop();
}

#[test]
fn haproxy_before_squid_with_basic() {
    // Not installed for the tests' sake: its package starts a service.
    if program::find("haproxy").is_none() {
        program::unable("haproxy is not installed");
        return;
    }
    if !Squid::available() {
        return;
    }
    let directory = TempDir::new().unwrap();
    let tls = Tls::create(directory.path());
    let squid = Squid::start(Some(("svc", "secret")));
    let (_, behind) = squid.url.rsplit_once('@').unwrap();
    let haproxy = Server::haproxy(&tls, behind.parse().unwrap());
    let url = format!("https://svc:secret@localhost:{}", haproxy.address.port());
    let proxy = with_ca(&format!("{url:?}"), &tls);
    serves(&proxy);
    assert_eq!(squid.access(4)[1].user, "svc");
    proxy.stop();
}

#[test]
fn microsocks_with_and_without_a_login() {
    if program::find("microsocks").is_none() {
        program::unable("microsocks is not installed");
        return;
    }
    let open = Server::microsocks(None);
    let proxy = Proxy::through(format!("socks5://{}", open.address));
    serves(&proxy);
    proxy.stop();

    let closed = Server::microsocks(Some(("svc", "secret")));
    let proxy = Proxy::through(format!("socks5://svc:secret@{}", closed.address));
    serves(&proxy);
    proxy.stop();
    let proxy = Proxy::through(format!("socks5://svc:wrong@{}", closed.address));
    let (head, body) = proxy.ask(narrows_tests::proxy::connect_head("example.test:443"));
    assert_eq!(head.status(), 502);
    assert!(body.contains("rejected the configured ones"), "{body}");
    proxy.stop();
}

/// The first is dead: the second serves, and the operator is told.
#[test]
fn the_next_one_serves_when_the_first_is_dead() {
    if !Squid::available() {
        return;
    }
    let squid = Squid::start(None);
    let proxy = Proxy::through(format!("http://{},{}", closed_port(), squid.url));
    serves(&proxy);
    assert!(
        proxy
            .said()
            .contains("is passed over: cannot connect to proxy")
    );
    proxy.stop();
}
