//! curl: plain HTTP, HTTPS, a tunnel for plain HTTP, HTTP/2 to the origin, and bulk both ways.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use narrows_tests::origin::PAGE;
use narrows_tests::pattern::{self, Checker};
use narrows_tests::program;

use super::bed::{Bed, Way};
use super::each_way;

each_way! {
    http: ["curl"];
    https: ["curl"];
    tunnel_for_http: ["curl"];
    http2: ["curl"];
    download: ["curl"];
    upload: ["curl"];
}

fn curl(bed: &Bed) -> Command {
    let mut curl = bed.command("curl");
    curl.args(["--silent", "--show-error", "--fail", "--max-time", "60"]);
    curl.arg("--cacert").arg(&bed.origin.tls.ca_file);
    curl.args(["--proxy", &bed.proxy.url()]);
    curl
}

fn http(bed: &Bed) {
    let page = program::run(curl(bed).arg(bed.http("/")));
    assert_eq!(page, PAGE);
    assert_eq!(bed.forwarded(bed.origin.http.port()).len(), 1);
}

fn https(bed: &Bed) {
    let page = program::run(curl(bed).arg(bed.https("/")));
    assert_eq!(page, PAGE);
    assert_eq!(bed.tunnelled(bed.origin.https.port()).len(), 1);
}

fn tunnel_for_http(bed: &Bed) {
    let sizes = "%{stderr}%{size_request} %{size_header} %{size_download}";
    let mut curl = curl(bed);
    // Heads of the proxy's own answer are not counted in the tunnel, so curl must leave them out too.
    curl.args([
        "--proxytunnel",
        "--suppress-connect-headers",
        "--write-out",
        sizes,
    ]);
    assert_eq!(program::run(curl.arg(bed.http("/"))), PAGE);
    let told = bed.tunnelled(bed.origin.http.port());
    assert_eq!(told.len(), 1);
    assert!(told[0].done().received > PAGE.len() as u64);
}

fn http2(bed: &Bed) {
    let version = ["--http2", "--write-out", "\n%{http_version}"];
    let answer = program::run(curl(bed).args(version).arg(bed.https("/version")));
    assert_eq!(answer, "HTTP/2.0\n2");
    assert_eq!(bed.tunnelled(bed.origin.https.port()).len(), 1);
}

fn download(bed: &Bed) {
    let length = bulk(bed);
    let url = bed.https(&format!("/bytes/{length}"));
    let mut curl = curl(bed).arg(url).stdout(Stdio::piped()).spawn().unwrap();
    let mut checker = Checker::default();
    let mut output = curl.stdout.take().unwrap();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match output.read(&mut buffer).unwrap() {
            0 => break,
            read => checker.feed(&buffer[..read]),
        }
    }
    assert!(curl.wait().unwrap().success());
    assert_eq!((checker.count, checker.wrong_at), (length, None));
    let told = bed.tunnelled(bed.origin.https.port());
    // TLS adds a few octets to each record.
    let received = told[0].done().received;
    assert!(
        received > length && received < length + length / 50,
        "{received}"
    );
}

fn upload(bed: &Bed) {
    let length = bulk(bed);
    let mut curl = curl(bed);
    // HTTP/1.1: this is about octets, and curl's upload buffer for HTTP/2 is small.
    curl.args(["--http1.1", "--upload-file", "-"])
        .arg(bed.https("/sink"));
    let mut curl = curl
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = curl.stdin.take().unwrap();
    let mut at = 0;
    while at < length {
        let data = pattern::slice(at, length - at);
        input.write_all(&data).unwrap();
        at += data.len() as u64;
    }
    drop(input);
    let output = curl.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("{length} octets, as sent")
    );
    let told = bed.tunnelled(bed.origin.https.port());
    let sent = told[0].done().sent;
    assert!(sent > length && sent < length + length / 50, "{sent}");
}

/// 1 GB where nothing but our own code moves it; less through Squid, whose speed is not ours to test, and
/// where it is enciphered by a build without optimisation.
const fn bulk(bed: &Bed) -> u64 {
    match bed.way {
        Way::Direct => 1_000_000_000,
        Way::Squid | Way::SquidWithBasic => 50_000_000,
        Way::GatewayH1 | Way::GatewayH2 => 10_000_000,
    }
}
