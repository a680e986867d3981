//! `narrows-probe` beside the check that everybody does first: whether the port is open.

use std::net::{SocketAddr, TcpStream};

use narrows_tests::lab::{Chain, Filter, HOST, Lab, TlsServer, Wire};
use narrows_tests::probe;

/// What `narrows-probe check` says about a server whose port is open: its exit code and its lines.
fn check(lab: &Lab, server: SocketAddr) -> (Option<i32>, Vec<String>) {
    TcpStream::connect(server).expect("a TCP check says open");
    let target = format!("{HOST}:{}", server.port());
    let ca_file = lab.pki.ca_file.display().to_string();
    let args = ["check", &target, "--ca-file", &ca_file];
    let (code, said, complaints) = probe::run(lab.directory(), &args);
    assert_eq!(complaints, "");
    (code, said.lines().map(str::to_owned).collect())
}

#[track_caller]
fn says(lines: &[String], begin: &str, words: &[&str]) {
    let line = lines
        .iter()
        .find(|line| line.trim_start().starts_with(begin));
    let line = line.unwrap_or_else(|| panic!("nothing about {begin:?} in {lines:#?}"));
    for word in words {
        assert!(line.contains(word), "{line:?} does not say {word:?}");
    }
}

#[test]
fn open_port_that_closes_on_hello_is_explained_in_three_lines() {
    let lab = Lab::new();
    let (code, lines) = check(&lab, lab.wire(Wire::CloseAfterHello));
    assert_eq!(code, Some(1), "{lines:#?}");
    let cut = "tls.closed_after_client_hello";
    says(
        &lines,
        &format!("{HOST}:"),
        &["closed", "ClientHello for localhost", cut],
    );
    says(&lines, "who likely", &["firewall", "guess"]);
    says(
        &lines,
        "what to ask",
        &["allow HTTPS", HOST, "application rule"],
    );
}

#[test]
fn open_port_behind_a_filter_by_name_is_proved_to_be_one() {
    let lab = Lab::new();
    let filtered = TlsServer::with(Chain::Good).except(Filter::Name(HOST));
    let (code, lines) = check(&lab, lab.tls(filtered));
    assert_eq!(code, Some(1), "{lines:#?}");
    says(
        &lines,
        &format!("{HOST}:"),
        &["another name", "filters by name", "tls.sni_filtered"],
    );
    says(&lines, "who", &["firewall", "proved"]);
}

#[test]
fn open_port_of_a_service_in_order_is_reachable() {
    let lab = Lab::new();
    let (code, lines) = check(&lab, lab.tls(TlsServer::with(Chain::Good)));
    assert_eq!(code, Some(0), "{lines:#?}");
    says(&lines, "1 reachable", &["0 not reachable"]);
}
