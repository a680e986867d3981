//! Programs that know nothing of Narrows, on both sides of its gateway leg.

use narrows_log::Via;
use narrows_tests::gateway::{Gateway, USER};
use narrows_tests::origin::{Origin, PAGE};
use narrows_tests::program;
use narrows_tests::squid::Squid;
use tempfile::TempDir;

use super::{Through, curl, download, target};

/// A gateway that carries the origin by a name that leads to loopback.
fn gateway_for(origin: &Origin) -> Gateway {
    let port = origin.https.port();
    Gateway::start(&format!("localhost:{port} in 127.0.0.0/8"))
}

/// curl's way to the origin through the gateway itself; the version that the gateway logs.
fn curl_through_gateway(flags: &[&str], version: &str) {
    let (origin, home) = (Origin::start(), TempDir::new().unwrap());
    let gateway = gateway_for(&origin);
    let mut curl = curl(&origin, home.path());
    curl.args(flags)
        .args(["--proxy", &gateway.url()])
        .arg("--proxy-cacert")
        .arg(gateway.ca_file())
        .args(["--proxy-user", &format!("{USER}:{}", gateway.token())])
        .arg(format!("https://localhost:{}/", origin.https.port()));
    assert_eq!(program::run(&mut curl), PAGE);
    let told = gateway.finished(1).remove(0);
    assert_eq!(told.done().via, Via::Direct);
    let log = gateway.log();
    assert!(log.contains(version), "{log}");
    assert!(log.contains(&format!("allowed token:{USER} at ")), "{log}");
}

#[test]
fn curl_needs_no_proxy_of_ours() {
    if program::installed(&["curl"]) {
        curl_through_gateway(&[], " on HTTP-1.1");
    }
}

#[test]
fn curl_needs_no_proxy_of_ours_in_http2() {
    if !program::installed(&["curl"]) {
        return;
    }
    let home = TempDir::new().unwrap();
    let help = program::run(program::command("curl", home.path()).args(["--help", "all"]));
    if help.contains("--proxy-http2") {
        curl_through_gateway(&["--proxy-http2"], " on HTTP-2");
    } else {
        program::unable("this curl has no --proxy-http2");
    }
}

/// CONNECT over HTTP/2 by somebody else's client: Node's own `http2`, which does what `--proxy-http2` makes
/// curl do where that is older than 8.1.
const NODE: &str = r#"
const [proxy, proxyCa, authorization, target, ca] = process.argv.slice(1);
const read = (file) => require("fs").readFileSync(file);
const session = require("http2").connect(proxy, { ca: read(proxyCa) });
session.on("error", (error) => { console.error(error); process.exit(1); });
const tunnel = session.request({
    ":method": "CONNECT",
    ":authority": target,
    "proxy-authorization": authorization,
});
tunnel.on("response", (head) => {
    if (head[":status"] !== 200) { console.error(head); process.exit(1); }
    const io = require("tls").connect({ socket: tunnel, servername: "localhost", ca: read(ca) });
    io.write(`GET / HTTP/1.1\r\nHost: ${target}\r\nConnection: close\r\n\r\n`);
    let text = "";
    io.on("data", (data) => { text += data; });
    io.on("end", () => {
        process.stdout.write(text.slice(text.indexOf("\r\n\r\n") + 4));
        session.destroy();
    });
});
"#;

#[test]
fn node_needs_no_proxy_of_ours_in_http2() {
    if !program::installed(&["node"]) {
        return;
    }
    let (origin, home) = (Origin::start(), TempDir::new().unwrap());
    let gateway = gateway_for(&origin);
    let target = format!("localhost:{}", origin.https.port());
    let mut node = program::command("node", home.path());
    node.args(["-e", NODE, "--", &gateway.url()])
        .arg(gateway.ca_file())
        .args([&format!("Bearer {}", gateway.token()), &target])
        .arg(&origin.tls.ca_file);
    assert_eq!(program::run(&mut node), PAGE);
    let told = gateway.finished(1).remove(0);
    assert_eq!(told.done().via, Via::Direct);
    let log = gateway.log();
    assert!(log.contains(" on HTTP-2"), "{log}");
}

#[test]
fn squid_is_a_client_of_the_gateway() {
    if !squid_speaks_tls() {
        return;
    }
    let (origin, home) = (Origin::start(), TempDir::new().unwrap());
    let gateway = gateway_for(&origin);
    // Squid becomes a user of its own, who cannot look into the gateway's directory.
    let authority = home.path().join("ca.pem");
    std::fs::copy(gateway.ca_file(), &authority).unwrap();
    // Squid 5 with GnuTLS, which is Debian's, takes a session ticket of TLS 1.3 for a read error.
    let options = if Squid::built_with(GNUTLS) {
        "tls-options=NORMAL:-VERS-TLS1.3 "
    } else {
        ""
    };
    let squid = Squid::obeying(&format!(
        "cache_peer localhost parent {} 0 no-query default tls tls-cafile={} \
         {options}login={USER}:{}\n\
         never_direct allow all\n\
         http_access allow all",
        gateway.address.port(),
        authority.display(),
        gateway.token(),
    ));
    let url = format!("https://localhost:{}/", origin.https.port());
    let page = program::run(curl(&origin, home.path()).args(["--proxy", &squid.url, &url]));
    assert_eq!(page, PAGE);
    let told = gateway.finished(1).remove(0);
    assert!(told.done().sent > 0 && told.done().received > PAGE.len() as u64);
    assert_eq!(squid.access(1)[0].result, "TCP_TUNNEL/200");
}

#[test]
fn squid_in_tls_is_a_gateway() {
    if !squid_speaks_tls() {
        return;
    }
    let origin = Origin::start();
    let squid = Squid::in_tls(&origin.tls);
    let through = Through {
        url: &squid.url,
        ca_file: &origin.tls.ca_file,
        more: "fallback = \"none\"\n".to_owned(),
    };
    let proxy = through.setup().start();
    download(&origin, &proxy, 300_000);
    assert_eq!(proxy.only().done().via, Via::GatewayH1);
    let access = squid.access(1).remove(0);
    assert_eq!(
        (access.method.as_str(), access.url),
        ("CONNECT", target(&origin))
    );
}

/// Whether the tests with Squid in TLS can run; says so loudly if not.
fn squid_speaks_tls() -> bool {
    if !program::installed(&["curl"]) || !Squid::available() {
        return false;
    }
    let able = [GNUTLS, "--with-openssl"]
        .into_iter()
        .any(Squid::built_with);
    if !able {
        program::unable("this Squid was built without TLS");
    }
    able
}

const GNUTLS: &str = "--with-gnutls";
