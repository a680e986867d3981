//! Everybody's turns.

use std::path::PathBuf;
use std::time::Duration;

use crate::bed::Bed;
use crate::bulk::{Shape, fill};
use crate::options::Options;
use crate::peers::{self, Peer, Running};
use crate::report::Report;
use crate::trips::Trips;
use crate::{Failure, idle, manners, setups, trips};

/// Set-ups at a time.
const AT_A_TIME: usize = 64;
/// Bulk tunnels beside which an octet is timed.
const BESIDE: usize = 8;
/// What this program needs besides two descriptors for each tunnel.
const SPARE: usize = 500;

/// A part of the table: what one contender's turn in it adds.
type Part = fn(&mut Turn<'_>) -> Result<(), Failure>;

/// One contender's turn.
struct Turn<'a> {
    bed: &'a Bed,
    options: &'a Options,
    peer: &'a Peer,
    proxy: &'a Running,
    report: &'a mut Report,
    column: usize,
}

/// Measures and prints everything.
pub(crate) fn run(options: &Options, narrows: PathBuf) -> Result<(), Failure> {
    let bed = Bed::make()?;
    bed.cores.go_to_load()?;
    bed.introduce();
    let (mut all, missing) = peers::all(narrows)?;
    let wanted =
        |name: &str| options.peers.is_empty() || options.peers.iter().any(|one| one == name);
    all.retain(|peer| wanted(peer.name));
    for peer in &all {
        println!("{} {}", peer.name, peer.version().unwrap_or_default());
    }
    for name in missing.into_iter().filter(|name| wanted(name)) {
        println!("NO {name}: it is not installed, and its column is missing");
    }
    let mut report = Report::new(all.iter().map(|peer| peer.name.to_owned()).collect());
    let mut running = Vec::new();
    for (column, peer) in all.iter().enumerate() {
        match peer.start(&bed) {
            Ok(proxy) => running.push((column, peer, proxy)),
            Err(error) => report.note(format!("{}: {error}", peer.name)),
        }
    }
    let parts: [(&str, Part); 5] = [
        ("setups", |turn| turn.setups()),
        ("idle", |turn| turn.idle()),
        ("bulk", |turn| turn.bulk()),
        ("trips", |turn| turn.trips()),
        ("manners", |turn| turn.manners()),
    ];
    for (name, part) in parts.into_iter().filter(|(name, _)| options.wants(name)) {
        for _ in 0..options.rounds {
            for (column, peer, proxy) in &running {
                let mut turn = Turn {
                    bed: &bed,
                    options,
                    peer,
                    proxy,
                    report: &mut report,
                    column: *column,
                };
                if let Err(error) = part(&mut turn) {
                    report.note(format!("{}, {name}: {error}", peer.name));
                }
            }
        }
    }
    let title = format!(
        "Medians of {} rounds of {} ms",
        options.rounds,
        options.span.as_millis()
    );
    report.print(&title);
    Ok(())
}

impl Turn<'_> {
    fn setups(&mut self) -> Result<(), Failure> {
        let rate = setups::rate(self.proxy, self.bed, AT_A_TIME, self.options.span)?;
        self.figure("tunnel set-ups a CPU second, 64 at a time", 0, rate);
        Ok(())
    }

    /// A proxy of its own, whose memory holds nothing yet.
    fn idle(&mut self) -> Result<(), Failure> {
        let most = self.bed.descriptors.saturating_sub(SPARE) / 2;
        let wanted = self.options.idle.min(most);
        let count = wanted.min(self.peer.most_tunnels());
        if count < wanted {
            let name = self.peer.name;
            self.report.note(format!(
                "{name}: {count} idle tunnels, with a thread for each"
            ));
        }
        if wanted < self.options.idle {
            let descriptors = self.bed.descriptors;
            self.report.note(format!(
                "{descriptors} descriptors allow {wanted} idle tunnels"
            ));
        }
        let proxy = self.peer.start(self.bed)?;
        let cost = idle::cost(&proxy, self.bed, count, self.options.span);
        drop(proxy);
        self.bed.clear()?;
        let cost = cost?;
        self.figure(
            &format!("the same beside {wanted} idle tunnels, 16 at a time"),
            0,
            cost.setups,
        );
        self.figure("KiB for each idle tunnel", 1, cost.fresh);
        self.figure("KiB for each after 64 KiB each way", 1, cost.used);
        self.figure("descriptors for each", 2, cost.descriptors);
        self.figure(
            "CPU while all of them idle, % of a core",
            2,
            cost.processor * 100.0,
        );
        Ok(())
    }

    fn bulk(&mut self) -> Result<(), Failure> {
        for both in [false, true] {
            for tunnels in [1, 16] {
                let shape = Shape { tunnels, both };
                let moved = fill(self.proxy, self.bed, shape, self.options.span, None)?;
                let way = if both { "both ways" } else { "down" };
                let title = format!("GB a CPU second, {tunnels} tunnels, {way}");
                self.figure(&title.replace("1 tunnels", "1 tunnel"), 2, moved.rate / 1e9);
                if tunnels > 1 {
                    self.figure(
                        &format!("fairness (Jain), {tunnels} tunnels, {way}"),
                        3,
                        moved.fairness,
                    );
                }
            }
        }
        Ok(())
    }

    fn trips(&mut self) -> Result<(), Failure> {
        let bare = trips::alone(None, self.bed, self.options.span / 2)?;
        let through = trips::alone(Some(self.proxy), self.bed, self.options.span)?;
        let added = micros(through) - micros(bare);
        self.figure("round trip of an octet, added, same core, p50 µs", 1, added);
        let mut trips = Trips::start(self.proxy, self.bed)?;
        let shape = Shape {
            tunnels: BESIDE,
            both: false,
        };
        fill(
            self.proxy,
            self.bed,
            shape,
            self.options.span,
            Some(&mut trips),
        )?;
        for per_cent in [50, 99] {
            if let Some(trip) = trips.percentile(per_cent) {
                let title = format!("round trip beside {BESIDE} bulk tunnels, p{per_cent} µs");
                self.figure(&title, 0, micros(trip));
            }
        }
        Ok(())
    }

    fn manners(&mut self) -> Result<(), Failure> {
        let (proxy, bed, column) = (self.proxy, self.bed, self.column);
        let said = [
            (
                "RST of the target reaches the client as",
                manners::reset(proxy, bed),
            ),
            ("half-close", manners::half_close(proxy, bed)),
            ("early data", manners::early_data(proxy, bed)),
        ];
        for (title, word) in said {
            self.report.word(column, title, word.unwrap_or("fails"));
        }
        Ok(bed.clear()?)
    }

    fn figure(&mut self, title: &str, places: usize, figure: f64) {
        self.report.figure(self.column, title, places, figure);
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
