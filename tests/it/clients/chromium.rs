//! A real browser, without a window.

use narrows_tests::origin::PAGE;
use narrows_tests::program;

use super::bed::Bed;
use super::each_way;

each_way! { page: ["chromium", "openssl"]; }

/// The digest by which Chromium is told to trust one key.
const DIGEST: &str = "openssl x509 -in \"$0\" -pubkey -noout | openssl pkey -pubin -outform der |
    openssl dgst -sha256 -binary | openssl base64";

fn page(bed: &Bed) {
    let mut shell = bed.command("sh");
    let digest = program::run(
        shell
            .args(["-c", DIGEST])
            .arg(&bed.origin.tls.certificate_file),
    );
    let profile = bed.home.path().join("profile");
    let mut chromium = bed.command("chromium");
    chromium.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        // Nothing but the page: no other name is asked for.
        "--disable-domain-reliability",
        "--disable-default-apps",
        "--disable-extensions",
        "--dump-dom",
    ]);
    chromium.arg(format!("--user-data-dir={}", profile.display()));
    chromium.arg(format!("--proxy-server={}", bed.proxy.url()));
    // Without this it asks no proxy for what is on loopback.
    chromium.arg("--proxy-bypass-list=<-loopback>");
    chromium.arg(format!(
        "--ignore-certificate-errors-spki-list={}",
        digest.trim()
    ));
    let page = program::run(chromium.arg(bed.https("/")));
    assert!(page.contains(PAGE.trim_end()), "{page}");
    assert!(!bed.tunnelled(bed.origin.https.port()).is_empty());
}
