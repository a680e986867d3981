//! Name servers that fail, are silent, lie, and change their mind. Each test has a host of its own, with a
//! name server at 127.0.0.1:53 that the system's resolver asks.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use narrows_endpoint::{Hop, Step};
use narrows_tests::deadline;
use narrows_tests::dns::{Data, Dns, NXDOMAIN, Record, Reply, SERVFAIL};
use narrows_tests::gateway::Gateway;
use narrows_tests::launch::Launch;
use narrows_tests::netns::Host;
use narrows_tests::proxy::{Proxy, Setup, connect_head};
use narrows_tests::raw::{Peer, Raw};

use super::{Refusal, SPARE_MEMORY, echo, echoes, is_long, talk};

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// An address that is not of any inner network; here, it is this host's.
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(93, 184, 216, 34);
/// Lookups at a time, by `narrows_upstream::MAX_LOOKUPS`.
const LOOKUPS: u64 = 64;
/// Threads that look at files now and then.
const OTHERS: u64 = 4;
/// Threads that lookups take at most, however many there are: one that has given its answer, and so its turn,
/// goes to rest a moment later, and the next lookup does not wait for that.
const THREADS: u64 = 2 * LOOKUPS;

fn cname(owner: &str, name: &str) -> Record {
    Record {
        owner: Some(owner.to_owned()),
        ttl: 60,
        data: Data::Cname(name.to_owned()),
    }
}

fn lasting(ttl: u32) -> Reply {
    Reply::Records(vec![Record {
        ttl,
        ..Record::address(HERE)
    }])
}

/// The proxy on this host, which asks this name server.
fn proxy(dns: &Dns, config: &str) -> Proxy {
    let launch = dns.launch(Launch::new());
    Setup::new().config(config).launch(launch).start()
}

/// A tunnel that carries.
fn carries(proxy: &Proxy, target: &str) {
    let mut client = proxy.tunnel(target);
    talk(&mut client);
    client.finish();
    client.end();
}

#[test]
fn failures_of_name_servers_are_told_apart() {
    let Some(host) = Host::new() else {
        return;
    };
    host.run(|| {
        let dns = Dns::start(|name, _| match name {
            "servfail.test" => Reply::Code(SERVFAIL),
            "silent.test" => Reply::Silence,
            // What another name leads to is no answer.
            "liar.test" => Reply::Records(vec![Record {
                owner: Some("other.test".to_owned()),
                ..Record::address(HERE)
            }]),
            "loop.test" => Reply::Records(vec![
                cname("loop.test", "pool.test"),
                cname("pool.test", "loop.test"),
            ]),
            "empty.test" => Reply::Records(Vec::new()),
            _ => Reply::Code(NXDOMAIN),
        });
        let patient = proxy(&dns, "");
        let hasty = proxy(&dns, "[timeouts]\nresolve_seconds = 0.5\n");
        let missing = "no such name, or it has no address";
        let cases = [
            ("nxdomain.test:443", 502, "dns_error", missing),
            ("empty.test:443", 502, "dns_error", missing),
            ("liar.test:443", 502, "dns_error", ""),
            ("loop.test:443", 502, "dns_error", ""),
            (
                "servfail.test:443",
                502,
                "dns_error",
                "the name servers did not answer properly",
            ),
        ];
        let refusal = |status, error, says| Refusal {
            status,
            error,
            hop: Hop::Target,
            step: Step::Resolve,
            says,
        };
        for (at, (target, status, error, says)) in cases.into_iter().enumerate() {
            refusal(status, error, says).expect(&patient, target, at + 1);
        }
        let silence = "no answer from the resolver in time";
        refusal(504, "dns_timeout", silence).expect(&hasty, "silent.test:443", 1);
        patient.stop();
        hasty.stop();
    });
}

#[test]
fn long_odd_and_short_lived_answers_lead_to_the_target() {
    let Some(host) = Host::new() else {
        return;
    };
    host.run(|| {
        let many = |first| {
            let others = (1..500).map(|last| Ipv4Addr::from(0x7f00_1000 + last));
            let all = [first].into_iter().chain(others);
            Reply::Records(all.map(Record::address).collect())
        };
        let dns = Dns::start(move |name, _| match name {
            "zero.test" => lasting(0),
            "endless.test" => lasting(1 << 31),
            "alias.test" => Reply::Records(vec![
                cname("alias.test", "true.test"),
                Record {
                    owner: Some("true.test".to_owned()),
                    ..Record::address(HERE)
                },
            ]),
            // More than a datagram holds: cut there, and whole over TCP.
            "many.test" => many(HERE),
            "dead.test" => many(Ipv4Addr::new(127, 0, 15, 255)),
            _ => Reply::Code(NXDOMAIN),
        });
        let target = echo();
        let port = target.address.port();
        let proxy = proxy(&dns, "");
        for name in ["zero.test", "endless.test", "alias.test", "many.test"] {
            for _ in 0..2 {
                carries(&proxy, &format!("{name}:{port}"));
            }
            // However long an answer is said to hold, nothing is kept here.
            assert!(dns.asked(name) >= 2, "{name}");
        }
        // Of 500 addresses at which nobody listens, 64 are tried, and the answer is one short line.
        let refused = Refusal {
            status: 502,
            error: "connection_refused",
            hop: Hop::Target,
            step: Step::Connect,
            says: "64",
        };
        refused.expect(&proxy, &format!("dead.test:{port}"), 9);
        proxy.stop();
    });
}

/// Rebinding, end to end: the name leads outside, then to the gateway's own loopback, then outside again.
#[test]
fn row_15_name_that_comes_to_lead_inside_is_refused_and_its_open_tunnel_goes_on() {
    let Some(host) = Host::new() else {
        return;
    };
    host.ip(&format!("address add {OUTSIDE}/32 dev lo"));
    host.run(|| {
        let inside = Arc::new(AtomicBool::new(false));
        let leads_inside = Arc::clone(&inside);
        let dns = Dns::start(move |name, _| match name {
            "rebind.test" if leads_inside.load(Ordering::SeqCst) => Reply::address(HERE),
            "rebind.test" => Reply::address(OUTSIDE),
            _ => Reply::Code(NXDOMAIN),
        });
        let outside = Peer::start_at(OUTSIDE.into(), echoes);
        let port = outside.address.port();
        let secret = Peer::start_on((HERE, port).into(), echoes);
        let target = format!("rebind.test:{port}");
        let gateway = Gateway::start_with(&target, "", dns.launch(Launch::new()));
        let direct = proxy(&dns, "");
        let lines = format!(
            "[rules]\ngateway = [\"rebind.test\"]\n[gateway]\nurl = {:?}\nca_file = {:?}\ntoken_file = {:?}\n\
             fallback = \"none\"\n",
            gateway.url(),
            gateway.ca_file(),
            gateway.token_file()
        );
        let proxy = proxy(&dns, &lines);
        let mut open = proxy.tunnel(&target);
        talk(&mut open);
        inside.store(true, Ordering::SeqCst);
        let (head, body) = proxy.ask(connect_head(&target));
        assert_eq!(head.status(), 403, "{body}");
        let class = "denied address class loopback";
        assert!(body.contains(class), "{body}");
        assert_eq!(secret.accepted(), 0);
        // What was judged when it was opened leads where it led.
        talk(&mut open);
        // Without a gateway nobody judges: that is what the proxy's own way out means.
        carries(&direct, &target);
        assert_eq!(secret.accepted(), 1);
        open.finish();
        open.end();
        let refused = &gateway.finished(2)[0];
        assert_eq!(refused.refused().status, 403);
        assert!(refused.refused().reason.contains(class), "{refused:?}");
        proxy.finished(2);
        direct.stop();
    });
}

/// Names that do not exist, as many as there can be: few lookups at a time, and others are served.
#[test]
fn storm_of_missing_names_takes_few_threads_and_holds_up_nobody() {
    let Some(host) = Host::new() else {
        return;
    };
    host.run(|| {
        let dns = Dns::start(|name, _| match name {
            "here.test" => Reply::address(HERE),
            _ => Reply::Code(NXDOMAIN),
        });
        let target = echo();
        let wanted = format!("here.test:{}", target.address.port());
        let proxy = proxy(&dns, "");
        carries(&proxy, &wanted);
        let (before, threads) = (proxy.vitals().memory(), proxy.vitals().threads());
        const CLIENTS: usize = 200;
        let each = if is_long() { 50 } else { 10 };
        let mut served = 0;
        std::thread::scope(|scope| {
            let storm: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let proxy = &proxy;
                    scope.spawn(move || {
                        for number in 0..each {
                            let name = format!("n{client}-{number}.test:443");
                            assert_eq!(proxy.ask(connect_head(&name)).0.status(), 502);
                        }
                    })
                })
                .collect();
            while storm.iter().any(|client| !client.is_finished()) {
                carries(&proxy, &wanted);
                served += 1;
                let now = proxy.vitals().threads();
                assert!(now <= threads + THREADS + OTHERS, "{now} threads");
            }
        });
        assert!(served > 0);
        proxy.finished(1 + CLIENTS * each + served);
        let now = proxy.vitals().memory();
        assert!(now < before + SPARE_MEMORY, "{before} KiB, then {now}");
        proxy.stop();
    });
}

/// Every lookup hangs: literal addresses and open tunnels do not mind, clients are answered in time, and
/// names are served as soon as the name server is back.
#[test]
fn silent_name_server_holds_up_names_alone_and_is_used_when_it_is_back() {
    let Some(host) = Host::new() else {
        return;
    };
    host.run(|| {
        let up = Arc::new(AtomicBool::new(false));
        let is_up = Arc::clone(&up);
        let dns = Dns::start(move |_, _| match is_up.load(Ordering::SeqCst) {
            true => Reply::address(HERE),
            false => Reply::Silence,
        });
        let target = echo();
        let port = target.address.port();
        let proxy = proxy(&dns, "[timeouts]\nresolve_seconds = 2\n");
        let threads = proxy.vitals().threads();
        // Twice as many as may be looked up at a time.
        let waiting: Vec<Raw> = (0..2 * LOOKUPS)
            .map(|number| {
                let mut client = proxy.connect();
                client.send(connect_head(&format!("n{number}.test:{port}")));
                client
            })
            .collect();
        deadline::until("the first are looked up", || {
            (proxy.vitals().threads() >= threads + LOOKUPS / 2).then_some(())
        });
        carries(&proxy, &target.address.to_string());
        assert!(proxy.vitals().threads() <= threads + THREADS + OTHERS);
        for mut client in waiting {
            // The second half waits for the first, in vain.
            let status = client.head().status();
            assert!(matches!(status, 502 | 504), "{status}");
            client.end();
        }
        up.store(true, Ordering::SeqCst);
        deadline::until("names are served", || {
            let mut client = proxy.connect();
            client.send(connect_head(&format!("back.test:{port}")));
            (client.head().status() == 200).then_some(())
        });
        proxy.stop();
    });
}
