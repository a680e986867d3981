use std::net::{Ipv4Addr, TcpListener as Blocking};

use narrows_server::Server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::cli;
use crate::policy::RulePolicy;
use crate::settings::Settings;
use crate::ways;

const ELSEWHERE: &str = "192.0.2.7:40000";
const HERE: &str = "127.0.0.1:40000";

/// Settings of a file that lets clients of other machines in.
fn settings(file: &str) -> Settings {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.toml");
    let file = format!("clients.allow = [\"192.0.2.0/24\"]\n{file}");
    std::fs::write(&path, file).unwrap();
    let (cli, origins) = cli::parse(["narrows-proxy", "--config", path.to_str().unwrap()]).unwrap();
    Settings::resolve(&cli.options, &origins, |_| None).unwrap()
}

/// A service of this machine that nobody has accepted from.
struct Inner(Blocking);

impl Inner {
    fn new() -> Self {
        let listener = Blocking::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn at(&self, host: &str) -> String {
        format!("{host}:{}", self.0.local_addr().unwrap().port())
    }

    /// Connections that have been made; each is closed.
    fn reached(&self) -> usize {
        std::iter::from_fn(|| self.0.accept().ok()).count()
    }
}

/// The answer's head, and its body if it was refused, to a client at this address.
async fn answer(settings: &Settings, client: &str, request: &str) -> String {
    let ways = ways::ways(settings, None).unwrap();
    let egress = ways::egress(settings, ways, vec![]);
    let policy = RulePolicy::new(settings).unwrap();
    let server = Server::new(policy, egress, (), settings.server.clone());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut ours = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (theirs, _) = listener.accept().await.unwrap();
    let client = client.parse().unwrap();
    let serving = tokio::spawn(async move { server.serve_connection(theirs, client, ()).await });
    ours.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(ours.read_u8().await.unwrap());
    }
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        ours.read_to_end(&mut answer).await.unwrap();
    }
    serving.abort();
    String::from_utf8(answer).unwrap()
}

async fn connect(settings: &Settings, client: &str, target: &str) -> String {
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    answer(settings, client, &request).await
}

#[track_caller]
fn is_refused(answer: &str, class: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 403 "), "{answer}");
    for part in ["error=destination_ip_prohibited", class, "clients.reach"] {
        let is_status = |line: &&str| line.to_ascii_lowercase().starts_with("proxy-status: ");
        let status = head.lines().find(is_status);
        assert!(status.unwrap().contains(part), "{part:?} not in {answer}");
    }
    assert!(
        body.contains(class) && body.contains("clients.reach"),
        "{answer}"
    );
}

/// Row 11: by literal address and by name, with CONNECT and in plain HTTP.
#[tokio::test]
async fn row_11_clients_elsewhere_do_not_get_to_this_machine() {
    let (settings, inner) = (settings(""), Inner::new());
    for host in [
        "127.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
    ] {
        let refused = connect(&settings, ELSEWHERE, &inner.at(host)).await;
        is_refused(&refused, "loopback");
    }
    let host = inner.at("127.0.0.1");
    let plain = format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    is_refused(&answer(&settings, ELSEWHERE, &plain).await, "loopback");
    for (target, class) in [
        ("0.0.0.0:80", "unspecified"),
        ("[::]:80", "unspecified"),
        ("169.254.169.254:80", "cloud metadata"),
        ("168.63.129.16:80", "cloud metadata"),
        ("169.254.1.1:80", "link-local"),
        ("[fe80::1]:80", "link-local"),
        ("224.0.0.1:80", "multicast"),
        ("255.255.255.255:80", "broadcast"),
    ] {
        is_refused(&connect(&settings, ELSEWHERE, target).await, class);
    }
    assert_eq!(inner.reached(), 0);
}

#[tokio::test]
async fn clients_of_this_machine_go_where_it_goes() {
    let (settings, inner) = (settings(""), Inner::new());
    for client in [HERE, "[::1]:40000", "[::ffff:127.0.0.1]:40000"] {
        let served = connect(&settings, client, &inner.at("localhost")).await;
        assert!(served.starts_with("HTTP/1.1 200 "), "{client}: {served}");
    }
    assert_eq!(inner.reached(), 3);
}

#[tokio::test]
async fn a_range_that_is_named_is_within_reach_and_no_other_is() {
    let (settings, inner) = (settings("clients.reach = [\"127.0.0.1\"]"), Inner::new());
    let served = connect(&settings, ELSEWHERE, &inner.at("127.0.0.1")).await;
    assert!(served.starts_with("HTTP/1.1 200 "), "{served}");
    assert_eq!(inner.reached(), 1);
    is_refused(
        &connect(&settings, ELSEWHERE, "127.0.0.2:80").await,
        "loopback",
    );
    is_refused(
        &connect(&settings, ELSEWHERE, "10.0.0.1:80").await,
        "private",
    );
}

/// It is no rule, so it is not suspended with the rules.
#[tokio::test]
async fn report_only_opens_nothing() {
    let settings = settings("[rules]\nreport_only = true\ndeny = [\"127.0.0.1\"]");
    let inner = Inner::new();
    let refused = connect(&settings, ELSEWHERE, &inner.at("127.0.0.1")).await;
    is_refused(&refused, "loopback");
    let served = connect(&settings, HERE, &inner.at("127.0.0.1")).await;
    assert!(served.starts_with("HTTP/1.1 200 "), "{served}");
    assert_eq!(inner.reached(), 1);
}

#[test]
fn inner_networks_are_within_reach_unless_ranges_are_named() {
    let check = |reach: &Reach, address: &str| reach.check(address.parse().unwrap()).is_ok();
    let (all, public) = (Reach::default(), Reach::only(vec![]));
    let metadata = [
        "fd00::/8".parse().unwrap(),
        "169.254.169.254/32".parse().unwrap(),
    ];
    let named = Reach::only(metadata.to_vec());
    for (address, by_default, by_none, by_name) in [
        ("8.8.8.8", true, true, true),
        ("10.0.0.1", true, false, false),
        ("192.168.1.1", true, false, false),
        ("100.64.0.1", true, false, false),
        ("fd00::1", true, false, true),
        ("64:ff9b::a00:1", true, false, false),
        ("127.0.0.1", false, false, false),
        ("169.254.169.254", false, false, true),
        // A network does not open a metadata service in it.
        ("fd00:ec2::254", false, false, false),
    ] {
        let within = [&all, &public, &named].map(|reach| check(reach, address));
        assert_eq!(within, [by_default, by_none, by_name], "{address}");
    }
}

#[test]
fn explained_where_it_holds() {
    let explained = |file: &str, target: &str| {
        let settings = settings(file);
        let rules = crate::rules::rule_set(&settings).unwrap();
        let target = crate::explain::read_target(target).unwrap();
        crate::explain::explain(&rules, &settings, &target).elsewhere
    };
    assert_eq!(
        explained("", "127.0.0.1:22").unwrap(),
        "refused, a loopback address (clients.reach does not name it)"
    );
    assert_eq!(
        explained("clients.reach = [\"10.0.0.0/8\"]", "a.example").unwrap(),
        "dialled at public addresses, 10.0.0.0/8"
    );
    // What the gateway does not carry falls back to the direct route here.
    assert!(explained("", "je.his.arc.azure.com").is_some());
    assert_eq!(
        explained("proxy.url = \"http://p.example:1\"", "a.example"),
        None
    );
}
