//! Networks that lose, delay, refuse and swallow. Two hosts of the test's own, with a cable between them:
//! the proxy is at one end, the target at the other.

use std::net::IpAddr;
use std::time::Duration;

use narrows_endpoint::{Hop, Step};
use narrows_tests::deadline;
use narrows_tests::gateway::Gateway;
use narrows_tests::netns::Host;
use narrows_tests::pattern;
use narrows_tests::proxy::{Proxy, Setup, connect_head};
use narrows_tests::raw::{End, Peer};

use super::{Refusal, echo, echoes, is_long, talk};
use crate::gateway::proxy_for;

/// The far end of the cable.
const FAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 77, 0, 2));

/// Both ends, and a target at the far one that sends back what it gets.
struct Scene {
    near: Host,
    far: Host,
    target: Peer,
}

// === impl Scene ===

impl Scene {
    /// `None`, and loudly, where there are no such hosts.
    fn new() -> Option<Self> {
        let (near, far) = Host::pair()?;
        let target = far.run(|| Peer::start_at(FAR, echoes));
        Some(Self { near, far, target })
    }

    fn wanted(&self) -> String {
        self.target.address.to_string()
    }

    /// What the far end does with what comes for the target.
    fn verdict(&self, verdict: &str) {
        let port = self.target.address.port();
        self.far.firewall(&format!("tcp dport {port} {verdict}"));
    }
}

#[test]
fn targets_that_are_swallowed_rejected_and_unreachable_are_told_apart() {
    let Some(scene) = Scene::new() else {
        return;
    };
    scene.near.run(|| {
        let config = "[timeouts]\nconnect_seconds = 2\n";
        let proxy = Setup::new().config(config).start();
        let cases = [
            ("drop", 504, "connection_timeout", "no answer"),
            (
                "reject with tcp reset",
                502,
                "connection_refused",
                "refused",
            ),
            (
                "reject with icmp type host-unreachable",
                502,
                "destination_ip_unroutable",
                "route",
            ),
        ];
        for (at, (verdict, status, error, says)) in cases.into_iter().enumerate() {
            scene.verdict(verdict);
            let refusal = Refusal {
                status,
                error,
                hop: Hop::Target,
                step: Step::Connect,
                says,
            };
            refusal.expect(&proxy, &scene.wanted(), at + 1);
        }
        scene.verdict("accept");
        carries(&proxy, &scene.wanted());
        proxy.stop();
    });
}

#[test]
fn target_that_is_swallowed_in_the_middle_ends_by_the_idle_limit() {
    let Some(scene) = Scene::new() else {
        return;
    };
    scene.near.run(|| {
        let config = "[limits]\nidle_seconds = 1\n";
        let proxy = Setup::new().config(config).start();
        let mut open = proxy.tunnel(&scene.wanted());
        talk(&mut open);
        scene.verdict("drop");
        open.send("unheard");
        open.end();
        let told = proxy.only();
        let (by, reason) = told.ended.clone().unwrap();
        assert_eq!((by, &*reason), (Hop::Narrows, "idle for too long"));
        assert_eq!(told.done().received, 4);
        proxy.stop();
    });
}

#[test]
fn target_that_is_swallowed_for_a_moment_loses_nothing() {
    let Some(scene) = Scene::new() else {
        return;
    };
    scene.near.run(|| {
        let proxy = Proxy::direct();
        let mut open = proxy.tunnel(&scene.wanted());
        talk(&mut open);
        scene.verdict("drop");
        open.send("unheard");
        assert!(open.is_silent_for(Duration::from_millis(500)));
        scene.verdict("accept");
        assert_eq!(open.exactly(7), b"unheard");
        open.finish();
        assert_eq!(open.end(), End::Eof(Vec::new()));
        let told = proxy.only();
        assert_eq!((told.done().sent, told.done().received), (11, 11));
        assert_eq!(told.ended, None);
        proxy.stop();
    });
}

#[test]
fn cable_that_is_pulled_and_plugged_loses_nothing() {
    let Some(scene) = Scene::new() else {
        return;
    };
    scene.near.run(|| {
        let proxy = Setup::new()
            .config("[timeouts]\nconnect_seconds = 2\n")
            .start();
        let mut open = proxy.tunnel(&scene.wanted());
        talk(&mut open);
        scene.near.ip("link set wire down");
        open.send("unheard");
        assert!(open.is_silent_for(Duration::from_millis(500)));
        // Without the cable this host has no way there, and knows it.
        let refusal = Refusal {
            status: 502,
            error: "destination_ip_unroutable",
            hop: Hop::Target,
            step: Step::Connect,
            says: "is this machine's network up?",
        };
        refusal.expect(&proxy, &scene.wanted(), 1);
        scene.near.ip("link set wire up");
        assert_eq!(open.exactly(7), b"unheard");
        open.finish();
        assert_eq!(open.end(), End::Eof(Vec::new()));
        let told = proxy.finished(2).remove(1);
        assert_eq!((told.done().sent, told.done().received), (11, 11));
        proxy.stop();
    });
}

#[test]
fn reset_from_the_middle_is_a_reset_for_the_client() {
    let Some(scene) = Scene::new() else {
        return;
    };
    scene.near.run(|| {
        let proxy = Proxy::direct();
        let mut open = proxy.tunnel(&scene.wanted());
        talk(&mut open);
        scene.verdict("reject with tcp reset");
        open.send("more");
        assert_eq!(open.end(), End::Reset(Vec::new()));
        let told = proxy.only();
        let (by, reason) = told.ended.clone().unwrap();
        assert_eq!((by, &*reason), (Hop::Target, "reset"));
        proxy.stop();
    });
}

/// Two of a hundred packets are lost each way, and the rest waits in a queue: what comes out is what went
/// in, and the counts say so.
#[test]
fn every_octet_passes_a_network_that_loses_and_delays() {
    const TUNNELS: usize = 6;
    let Some(scene) = Scene::new() else {
        return;
    };
    let loss = "iifname wire numgen random mod 100 < 2 drop";
    for host in [&scene.near, &scene.far] {
        host.shape("40mbit", "40ms");
        host.firewall(loss);
    }
    let length = if is_long() { 16 << 20 } else { 200_000 };
    let octets = &pattern::bytes(length);
    scene.near.run(|| {
        let proxy = Proxy::direct();
        std::thread::scope(|scope| {
            for _ in 0..TUNNELS {
                scope.spawn(|| {
                    let client = proxy.tunnel(&scene.wanted()).into_inner();
                    exchange(client, octets);
                });
            }
        });
        for told in proxy.finished(TUNNELS) {
            assert_eq!((told.done().sent, told.done().received), (length, length));
            assert_eq!(told.ended, None);
        }
        proxy.stop();
    });
}

/// Sends everything and expects all of it back.
fn exchange(mut client: std::net::TcpStream, octets: &[u8]) {
    use std::io::{Read, Write};
    let mut sender = client.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            sender.write_all(octets).unwrap();
            sender.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let mut back = Vec::new();
        client.read_to_end(&mut back).unwrap();
        assert!(back == octets, "{} octets came back", back.len());
    });
}

#[test]
fn gateway_that_is_swallowed_is_named_and_used_when_it_is_back() {
    let Some(host) = Host::new() else {
        return;
    };
    host.run(|| {
        let target = echo();
        let wanted = target.address.to_string();
        for protocol in ["h1", "h2"] {
            let gateway = Gateway::start(&wanted);
            let port = gateway.address.port();
            let lines = format!(
                "fallback = \"none\"\nprotocol = \"{protocol}\"\n[timeouts]\nconnect_seconds = 2\n"
            );
            host.firewall(&format!("tcp dport {port} drop"));
            let proxy = proxy_for(&gateway, &lines).start();
            let refusal = Refusal {
                status: 504,
                error: "connection_timeout",
                hop: Hop::Gateway,
                step: Step::Connect,
                says: "no answer",
            };
            refusal.expect(&proxy, &wanted, 1);
            host.firewall("");
            deadline::until("a tunnel opens", || opens(&proxy, &wanted).then_some(()));
            // In the middle of a tunnel, a reset is one for the client too.
            let mut open = proxy.tunnel(&wanted);
            talk(&mut open);
            host.firewall(&format!("tcp dport {port} reject with tcp reset"));
            // It may have been reset already, by whatever passed between the two in the meantime.
            let _ = open.try_send("more");
            assert_eq!(open.end(), End::Reset(Vec::new()));
            host.firewall("");
            deadline::until("a tunnel opens", || opens(&proxy, &wanted).then_some(()));
            deadline::until("the log says how it ended", || {
                let log = proxy.log();
                log.contains("ended by gateway: reset").then_some(())
            });
        }
    });
}

/// A tunnel that carries.
fn carries(proxy: &Proxy, target: &str) {
    let mut client = proxy.tunnel(target);
    talk(&mut client);
    client.finish();
    client.end();
}

fn opens(proxy: &Proxy, target: &str) -> bool {
    let mut client = proxy.connect();
    client.send(connect_head(target));
    client.head().status() == 200
}
