//! wget: plain HTTP and HTTPS.

use narrows_tests::origin::PAGE;
use narrows_tests::program;

use super::bed::Bed;
use super::each_way;

each_way! {
    http: ["wget"];
    https: ["wget"];
}

fn http(bed: &Bed) {
    assert_eq!(page(bed, &bed.http("/")), PAGE);
    assert_eq!(bed.forwarded(bed.origin.http.port()).len(), 1);
}

fn https(bed: &Bed) {
    assert_eq!(page(bed, &bed.https("/")), PAGE);
    assert_eq!(bed.tunnelled(bed.origin.https.port()).len(), 1);
}

fn page(bed: &Bed, url: &str) -> String {
    let mut wget = bed.command("wget");
    wget.args([
        "--no-config",
        "--no-hsts",
        "--quiet",
        "--tries=1",
        "--timeout=60",
    ]);
    wget.arg("--ca-certificate").arg(&bed.origin.tls.ca_file);
    for scheme in ["http", "https"] {
        wget.args(["--execute", &format!("{scheme}_proxy={}", bed.proxy.url())]);
    }
    program::run(wget.args(["--output-document", "-", url]))
}
