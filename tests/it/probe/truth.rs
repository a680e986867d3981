//! The property that matters: the probe says `reachable` exactly where curl with verification gets an
//! answer, over every server and every path.

use std::net::SocketAddr;
use std::process::Command;

use narrows_tests::gateway::{Gateway, USER};
use narrows_tests::lab::{HOST, Lab};
use narrows_tests::program;
use narrows_tests::squid::Squid;
use narrows_tls_probe::{Authorization, Hop, Path};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::cases::start;
use super::probe_all;

#[test]
fn as_curl_says_direct() {
    if program::installed(&["curl"]) {
        agrees(|_, _| (), |()| (Path::direct(), Vec::new()));
    }
}

#[test]
fn as_curl_says_through_squid() {
    if !program::installed(&["curl"]) || !Squid::available() {
        return;
    }
    agrees(
        |_, _| Squid::start(None),
        |squid| {
            let address = squid.url.trim_start_matches("http://").parse().unwrap();
            let flags = vec!["--proxy".to_owned(), squid.url.clone()];
            (Path::through(Hop::proxy(address)), flags)
        },
    );
}

#[test]
fn as_curl_says_through_narrows_gateway() {
    if !program::installed(&["curl"]) {
        return;
    }
    agrees(
        |_, servers| {
            let carried = servers
                .iter()
                .map(|server| format!("{HOST}:{} in 127.0.0.0/8", server.port()));
            Gateway::start(&carried.collect::<Vec<_>>().join(","))
        },
        |gateway| {
            let authority = CertificateDer::from_pem_file(gateway.ca_file()).unwrap();
            let hop = Hop::gateway(gateway.authority().parse().unwrap())
                .with_authorization(Authorization::bearer(&gateway.token()).unwrap())
                .with_authorities(vec![authority]);
            let flags = [
                "--proxy".to_owned(),
                gateway.url(),
                "--proxy-cacert".to_owned(),
                gateway.ca_file().display().to_string(),
                "--proxy-user".to_owned(),
                format!("{USER}:{}", gateway.token()),
            ];
            (Path::through(hop), flags.to_vec())
        },
    );
}

/// Asks both about every server over one path: `make` makes what is on the path, and `way` says how the
/// probe and curl go through it.
fn agrees<P>(
    make: impl FnOnce(&Lab, &[SocketAddr]) -> P,
    way: impl FnOnce(&P) -> (Path, Vec<String>),
) {
    let lab = Lab::new();
    let started = start(&lab);
    let between = make(&lab, &started.servers());
    let (path, flags) = way(&between);
    let reports = probe_all(&lab, &started.servers(), &path);
    let curls: Vec<bool> = std::thread::scope(|scope| {
        let ask = |server: &SocketAddr| curl(&lab, *server, &flags);
        let threads: Vec<_> = started
            .servers()
            .into_iter()
            .map(|server| scope.spawn(move || ask(&server)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let differing: Vec<String> = started
        .cases
        .iter()
        .zip(reports.iter().zip(&curls))
        .filter(|(_, (report, curl))| report.is_reachable() != **curl)
        .map(|((case, _), (report, curl))| {
            let said = if *curl { "answered" } else { "not answered" };
            format!(
                "{}: curl is {said}; {} {}",
                case.name, report.verdict.id, report.verdict
            )
        })
        .collect();
    assert!(
        differing.is_empty(),
        "over {}:\n{}",
        path.label(),
        differing.join("\n")
    );
    let answered = curls.iter().filter(|answered| **answered).count();
    assert!(
        answered >= 5,
        "the servers that are in order are: {answered}"
    );
}

/// Whether curl gets an answer, whatever its status, from a server that it trusts.
fn curl(lab: &Lab, server: SocketAddr, flags: &[String]) -> bool {
    let mut curl: Command = program::command("curl", lab.directory());
    curl.args([
        "--silent",
        "--ipv4",
        "--max-time",
        "6",
        "--output",
        "/dev/null",
    ])
    .arg("--cacert")
    .arg(&lab.pki.ca_file)
    .args(flags)
    .arg(format!("https://{HOST}:{}/", server.port()));
    curl.status().unwrap().success()
}
