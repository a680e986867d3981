//! `narrows-gateway`, `narrows-proxy` and the programs of others, each as the other end of the rest.

mod crowd;
mod failures;
mod optimism;
mod outages;
mod path;
mod strangers;

use std::path::Path;
use std::process::Command;

use narrows_tests::gateway::Gateway;
use narrows_tests::origin::Origin;
use narrows_tests::pattern::Checker;
use narrows_tests::program;
use narrows_tests::proxy::{Proxy, Setup};

/// A configuration for `narrows-proxy` whose rules want 127.0.0.1 carried by this gateway.
struct Through<'a> {
    url: &'a str,
    ca_file: &'a Path,
    /// More lines of the section `[gateway]`.
    more: String,
}

impl Through<'_> {
    fn setup(&self) -> Setup {
        let Self { url, ca_file, more } = self;
        Setup::new().config(format!(
            "[rules]\ngateway = [\"127.0.0.1\"]\n[gateway]\nurl = {url:?}\nca_file = {ca_file:?}\n{more}"
        ))
    }
}

/// A proxy for this gateway with its token, and these lines of its section `[gateway]`.
pub(crate) fn proxy_for(gateway: &Gateway, more: &str) -> Setup {
    let token = gateway.token_file();
    let through = Through {
        url: &gateway.url(),
        ca_file: &gateway.ca_file(),
        more: format!("token_file = {token:?}\n{more}\n"),
    };
    through.setup()
}

/// The origin's TLS port by its address, as `localhost` is how the gateway is called here.
fn target(origin: &Origin) -> String {
    format!("127.0.0.1:{}", origin.https.port())
}

fn curl(origin: &Origin, home: &Path) -> Command {
    let mut curl = program::command("curl", home);
    curl.args(["--silent", "--show-error", "--fail", "--max-time", "10"]);
    curl.arg("--cacert").arg(&origin.tls.ca_file);
    curl
}

/// Fetches this many octets of the pattern from the origin through `narrows-proxy`, octet by octet the
/// right ones.
fn download(origin: &Origin, proxy: &Proxy, length: u64) {
    let home = tempfile::TempDir::new().unwrap();
    let url = format!("https://{}/bytes/{length}", target(origin));
    let mut curl = curl(origin, home.path());
    let output = curl.args(["--proxy", &proxy.url(), &url]).output().unwrap();
    assert!(output.status.success(), "{}", program::describe(&output));
    let mut checker = Checker::default();
    checker.feed(&output.stdout);
    assert_eq!((checker.count, checker.wrong_at), (length, None));
}
