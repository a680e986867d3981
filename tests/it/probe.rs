//! The probe against the laboratory: for every server one verdict, and never another word about whether
//! it can be used than curl's.

mod cases;
mod hops;
mod side_by_side;
mod terminated;
mod truth;
mod verdicts;

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use narrows_endpoint::{Host, Target};
use narrows_tests::lab::{ALLOWED, HOST, Lab};
use narrows_tls_probe::{Deadlines, Options, Path, Prober, Report, StaticResolver, Trust};
use rustls::RootCertStore;

/// A prober that trusts the laboratory and finds its host on loopback.
fn prober(lab: &Lab) -> Prober {
    prober_with(lab.pki.roots())
}

/// The same, trusting somebody else.
fn prober_with(roots: RootCertStore) -> Prober {
    let mut options = Options::default();
    options.trust = Trust::Roots(roots);
    options.expect_private = true;
    let allowed: Host = ALLOWED.parse().unwrap();
    options.neutral = Vec::from_iter(allowed.name().cloned());
    // A silent server costs this several times over; one that is in order must never need it.
    options.deadlines = Deadlines::uniform(Duration::from_secs(3));
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let resolver = StaticResolver::new().with(HOST.parse().unwrap(), loopback);
    Prober::with_resolver(options, resolver).unwrap()
}

/// A server of the laboratory as it is asked for.
fn target(server: SocketAddr) -> Target {
    format!("{HOST}:{}", server.port()).parse().unwrap()
}

fn probe(lab: &Lab, server: SocketAddr, path: &Path) -> Report {
    run(prober(lab).probe(&target(server), path))
}

/// Probes all of them at once; the reports come in the same order.
fn probe_all(lab: &Lab, servers: &[SocketAddr], path: &Path) -> Vec<Report> {
    let prober = prober(lab);
    run(async {
        let tasks: Vec<_> = servers
            .iter()
            .map(|server| {
                let (prober, path, target) = (prober.clone(), path.clone(), target(*server));
                tokio::spawn(async move { prober.probe(&target, &path).await })
            })
            .collect();
        let mut reports = Vec::with_capacity(tasks.len());
        for task in tasks {
            reports.push(task.await.unwrap());
        }
        reports
    })
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}
