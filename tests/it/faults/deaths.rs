//! Enterprise proxies and gateways that die at each step of a CONNECT: the client learns which party it was
//! and at which step, and nothing is left of it. Killed under load: `tests/it/gateway/outages.rs`.

use std::time::Duration;

use narrows_endpoint::{Hop, Step};
use narrows_tests::proxy::{Proxy, Setup};
use narrows_tests::raw::{Peer, Raw};
use narrows_tests::tls::Tls;
use tempfile::TempDir;

use super::Refusal;

/// What a party does with a connection before it is gone.
type Death = fn(Raw);

/// Nothing is said. What comes is read, for what is left unread makes a reset of the end.
fn at_once(mut client: Raw) {
    client.finish();
    client.end();
}

fn by_reset(mut client: Raw) {
    client.exactly(1);
    client.reset();
}

fn after_half_an_answer(mut client: Raw) {
    client.head();
    client.send("HTTP/1.1 200 Conn");
    client.finish();
    client.end();
}

fn by_reset_after_half_an_answer(mut client: Raw) {
    client.head();
    client.send("HTTP/1.1 200 Conn");
    // Sent before the reset, which would overtake it.
    client.is_silent_for(Duration::from_millis(50));
    client.reset();
}

/// The first record of a handshake, cut in the middle.
fn amid_tls(mut client: Raw) {
    client.exactly(5);
    client.send([0x16, 3, 3, 0, 100, 2]);
    client.finish();
    client.end();
}

fn silent(mut client: Raw) {
    client.end();
}

/// The proxy has one try for each, and a second one: what a death leaves behind must not change the answer.
fn expect(proxy: &Proxy, target: &str, refusal: &Refusal<'_>) {
    refusal.expect(proxy, target, 1);
    refusal.expect(proxy, target, 2);
}

#[test]
fn enterprise_proxy_dies_at_each_step() {
    let cases: [(Death, u16, &str, &str); 5] = [
        (
            at_once,
            502,
            "connection_terminated",
            "closed the connection without answering",
        ),
        (
            by_reset,
            502,
            "connection_terminated",
            "broke before it answered",
        ),
        (
            after_half_an_answer,
            502,
            "connection_terminated",
            "closed the connection after 17 octets of its answer",
        ),
        (
            by_reset_after_half_an_answer,
            502,
            "connection_terminated",
            "broke before it answered",
        ),
        (
            silent,
            504,
            "http_response_timeout",
            "did not answer CONNECT",
        ),
    ];
    for (death, status, error, says) in cases {
        let parent = Peer::start(death);
        let config = format!(
            "[proxy]\nurl = {:?}\n[timeouts]\nrequest_seconds = 2\n",
            parent.proxy_url()
        );
        let proxy = Setup::new().config(config).start();
        let refusal = Refusal {
            status,
            error,
            hop: Hop::Proxy,
            step: Step::Request,
            says,
        };
        expect(&proxy, "far.test:443", &refusal);
        proxy.stop();
    }
}

/// The same deaths, of what answers at the gateway's address: without and with an enterprise proxy before
/// it, which has done its part.
#[test]
fn gateway_dies_amid_the_handshake() {
    let home = TempDir::new().unwrap();
    let tls = Tls::create(home.path());
    let cases: [(Death, u16, &str, &str); 4] = [
        (at_once, 502, "tls_protocol_error", "after ClientHello"),
        (
            by_reset,
            502,
            "tls_protocol_error",
            "reset the connection after ClientHello",
        ),
        (
            amid_tls,
            502,
            "tls_protocol_error",
            "in the middle of the TLS handshake",
        ),
        (
            silent,
            504,
            "connection_timeout",
            "was silent after ClientHello",
        ),
    ];
    for (death, status, error, says) in cases {
        let gateway = Peer::start(death);
        let enterprise = Peer::start(move |mut client| {
            client.head();
            client.send("HTTP/1.1 200 Connection established\r\n\r\n");
            death(client);
        });
        for through in [false, true] {
            let port = gateway.address.port();
            let mut config = format!(
                "[rules]\ngateway = [\"127.0.0.1\"]\n[gateway]\nurl = \"https://localhost:{port}\"\n\
                 ca_file = {:?}\nfallback = \"none\"\n[timeouts]\ntls_seconds = 2\n",
                tls.ca_file
            );
            if through {
                config += &format!("[proxy]\nurl = {:?}\n", enterprise.proxy_url());
            }
            let proxy = Setup::new().config(config).start();
            let refusal = Refusal {
                status,
                error,
                hop: Hop::Gateway,
                step: Step::Tls,
                says,
            };
            refusal.expect(&proxy, "127.0.0.1:443", 1);
            proxy.stop();
        }
    }
}
