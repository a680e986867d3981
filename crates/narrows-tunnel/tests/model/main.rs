//! A model of the relay: peers that misbehave as a seed says, and a reference that knows what must come of it.
//!
//! - `memory`: streams in memory on a paused clock, polled by the relay itself. The reference watches every
//!   single call: short reads and writes, stalls, early data, half-closes, resets, errors of every kind,
//!   limits on time, and relays that are dropped.
//! - `line`: the same with nothing but bulk, over many tunnels that take turns, some of which are dropped.
//! - `tls`: two peers talk over pipes in memory, one or both inside TLS; also on a paused clock.
//! - `sockets`: two peers talk over real sockets, through both copiers and inside TLS.
//!
//! A seed decides everything. A failure names its seed, and `scripts/model.sh` runs that one, or millions:
//!
//! ```console
//! $ scripts/model.sh --part memory --from 4711 --seeds 1
//! ```
//!
//! docs/proof.md has the figures of long runs, and the mutations of the relay that show that this can fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

mod memory;
mod noise;
mod seeds;
#[cfg(not(miri))]
mod talk;

use seeds::Seeds;

#[test]
fn memory_every_call_is_as_the_reference_says() {
    let ends = Seeds::of("memory", 4000).run(memory::run);
    ends.must_have(&["closed", "dropped", "expired", "failed", "idle", "reset"]);
}

#[test]
fn line_nobody_is_forgotten_or_held_up() {
    let ends = Seeds::of("line", 1000).run(memory::run_line);
    ends.must_have(&["closed", "dropped"]);
}

#[cfg(not(miri))]
#[test]
fn tls_what_arrives_is_what_was_sent() {
    let ends = Seeds::of("tls", 300).run(talk::over_pipes);
    ends.must_have(&["closed", "failed", "reset"]);
}

#[cfg(not(miri))]
#[test]
fn sockets_what_arrives_is_what_was_sent() {
    let ends = Seeds::of("sockets", 300).run(talk::over_sockets);
    ends.must_have(&["closed", "reset"]);
    if cfg!(target_os = "linux") {
        ends.must_have(&["spliced"]);
    }
}
