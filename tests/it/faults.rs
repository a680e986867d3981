//! Faults of the machine and of the network around it: what a client sees, what the log says, and that
//! everything is afterwards what it was.
//!
//! Each ends with [`Proxy::stop`], which holds the proxy to the descriptors of an idle one and to an end
//! with no connection open, or says what stays instead. `NARROWS_FAULTS=long` makes them longer and larger;
//! `scripts/faults.sh --long` sets it.

mod clock;
mod deaths;
mod descriptors;
mod dns;
mod log;
mod network;
mod stopped;

use std::time::Duration;

use narrows_endpoint::{Hop, Step};
use narrows_tests::program;
use narrows_tests::proxy::{Proxy, connect_head};
use narrows_tests::raw::{Head, Peer, Raw};
use narrows_tests::traffic::Told;

/// Memory that may be in use after a fault and was not before, in KiB: what allocators keep.
const SPARE_MEMORY: u64 = 16 * 1024;

/// The longest that a fault lasts.
const LONGEST: Duration = Duration::from_secs(60);

/// How a request must have been refused.
struct Refusal<'a> {
    status: u16,
    /// The error of `Proxy-Status`.
    error: &'a str,
    hop: Hop,
    step: Step,
    /// What its one line must say.
    says: &'a str,
}

// === impl Refusal ===

impl Refusal<'_> {
    /// Asks for a target, and expects this answer and this record, the next one.
    fn expect(&self, proxy: &Proxy, target: &str, records: usize) {
        let answer = proxy.ask(connect_head(target));
        self.judge(target, &answer, proxy.finished(records).last().unwrap());
    }

    fn judge(&self, target: &str, (head, body): &(Head, String), told: &Told) {
        let status = head.field("Proxy-Status").unwrap_or_default();
        assert_eq!(head.status(), self.status, "{target}: {status} {body}");
        let error = format!("error={}", self.error);
        assert!(status.contains(&error), "{target}: {status}");
        assert_eq!(body.trim_end().lines().count(), 1, "{target}: {body:?}");
        assert!(body.contains(self.says), "{target}: {body:?}");
        assert!(body.len() < 1024, "{target}: {body:?}");
        let told = told.refused();
        assert_eq!(
            (&*told.target, told.status, told.hop, told.step),
            (target, self.status, self.hop, self.step),
            "{told:?}"
        );
        assert!(told.reason.contains(self.says), "{told:?}");
    }
}

/// A target that sends back what it gets.
fn echo() -> Peer {
    Peer::start(echoes)
}

fn echoes(mut client: Raw) {
    // A target that hung up amid a long fault would be another fault.
    client.set_patience(2 * LONGEST);
    while client.echo().is_ok_and(|count| count > 0) {}
}

/// Says a word in a tunnel to such a target, and hears it again.
fn talk(client: &mut Raw) {
    client.send("word");
    assert_eq!(client.exactly(4), b"word");
}

/// Whether there is time for the long form of each fault.
fn is_long() -> bool {
    std::env::var_os("NARROWS_FAULTS").is_some_and(|value| value == "long")
}

/// The one in `.ci/run`, or the one for those who have time.
fn lasting(short: Duration, long: Duration) -> Duration {
    if is_long() { long } else { short }
}

/// Whether this is root, who may mount; says so loudly if not.
fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        program::unable("it takes root");
    }
    root
}
