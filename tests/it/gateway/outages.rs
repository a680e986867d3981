//! The gateway, the enterprise proxy, or both are killed under load and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use narrows_endpoint::Hop;
use narrows_log::Via;
use narrows_tests::deadline;
use narrows_tests::gateway::Gateway;
use narrows_tests::proxy::{Proxy, connect_head};
use narrows_tests::raw::{Peer, Raw};
use rustix::process::Signal;

use super::proxy_for;

/// How soon what is back must be in use again.
const SOON: Duration = Duration::from_secs(1);
/// Tunnels that are busy when it happens.
const BUSY: usize = 40;

#[test]
fn gateway_is_killed_under_load() {
    for protocol in ["h1", "h2"] {
        Scene::new(protocol).play(&[Party::Gateway]);
    }
}

#[test]
fn enterprise_proxy_is_killed_under_load() {
    for protocol in ["h1", "h2"] {
        Scene::new(protocol).play(&[Party::Enterprise]);
    }
}

#[test]
fn both_are_killed_under_load() {
    for protocol in ["h1", "h2"] {
        Scene::new(protocol).play(&[Party::Gateway, Party::Enterprise]);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Party {
    Enterprise,
    Gateway,
}

/// The whole path, each party in a process of its own.
struct Scene {
    enterprise: Proxy,
    gateway: Gateway,
    proxy: Proxy,
    /// Sends back what it gets.
    target: Peer,
    via: Via,
}

impl Scene {
    fn new(protocol: &str) -> Self {
        let target = Peer::start(|mut client| while echoes(&mut client) {});
        let gateway = Gateway::start(&target.address.to_string());
        let enterprise = Proxy::direct();
        let more = format!("fallback = \"none\"\nprotocol = \"{protocol}\"");
        let proxy = proxy_for(&gateway, &more)
            .flag("proxy", enterprise.url())
            .start();
        Self {
            enterprise,
            gateway,
            proxy,
            target,
            via: if protocol == "h1" {
                Via::GatewayH1
            } else {
                Via::GatewayH2
            },
        }
    }

    fn play(mut self, killed: &[Party]) {
        let turns = Arc::new(AtomicUsize::new(0));
        let busy: Vec<_> = (0..BUSY).map(|_| self.busy(&turns)).collect();
        deadline::until("every tunnel carries", || {
            (turns.load(Ordering::SeqCst) >= 10 * BUSY).then_some(())
        });
        let held = (self.proxy.descriptors(), self.gateway.descriptors());

        for party in killed {
            match party {
                Party::Enterprise => self.enterprise.kill(),
                Party::Gateway => self.gateway.kill(),
            }
        }
        // None of them takes it for an orderly end.
        let reset = busy
            .into_iter()
            .filter_map(|tunnel| tunnel.join().unwrap().err());
        assert_eq!(reset.count(), BUSY);
        for told in self.proxy.finished(BUSY) {
            assert_eq!(told.done().via, self.via);
            let (by, reason) = told.ended.clone().unwrap();
            assert_eq!((by, &*reason), (Hop::Gateway, "reset"), "{told:?}");
        }
        // The proxy learns that there is no way.
        assert_eq!(self.ask(), 502);

        for party in killed {
            match party {
                Party::Enterprise => self.enterprise.restart(),
                Party::Gateway => self.gateway.restart(),
            }
        }
        let back = Instant::now();
        deadline::until("a tunnel opens again", || (self.ask() == 200).then_some(()));
        assert!(back.elapsed() < SOON, "{:?}", back.elapsed());
        self.nothing_is_left(held);
    }

    /// A client that talks with the target until its tunnel ends, and says how that was.
    fn busy(&self, turns: &Arc<AtomicUsize>) -> JoinHandle<std::io::Result<()>> {
        let mut client = self
            .proxy
            .tunnel(&self.target.address.to_string())
            .into_inner();
        let turns = Arc::clone(turns);
        std::thread::spawn(move || {
            use std::io::{Read, Write};
            let mut octets = [7; 4096];
            loop {
                client.write_all(&octets)?;
                client.read_exact(&mut octets)?;
                turns.fetch_add(1, Ordering::SeqCst);
            }
        })
    }

    /// Asks for a tunnel and leaves; the status.
    fn ask(&self) -> u16 {
        let mut client = self.proxy.connect();
        client.send(connect_head(&self.target.address.to_string()));
        client.head().status()
    }

    /// Descriptors are back to less than the busy tunnels took, and each process ends with nothing open.
    fn nothing_is_left(mut self, (near, far): (usize, usize)) {
        // Kept ready for the next tunnels; with HTTP/1.1 as many as there were lately.
        const READY: usize = 34;
        deadline::until("descriptors are given back", || {
            let own = |held: usize, busy: usize| held + BUSY <= busy + READY;
            (own(self.proxy.descriptors(), near) && own(self.gateway.descriptors(), far))
                .then_some(())
        });
        // The enterprise proxy keeps the pipes that it has spliced with.
        for proxy in [&mut self.proxy, &mut self.enterprise] {
            proxy.signal(Signal::TERM);
            assert!(proxy.wait().success(), "{}", proxy.said());
        }
        self.gateway.stop();
    }
}

/// Sends back what comes; whether there may be more.
fn echoes(client: &mut Raw) -> bool {
    client.echo().is_ok_and(|count| count > 0)
}
