//! The tables and the verdict.

use crate::ledger::{Ledger, Sum};
use crate::options::Options;
use crate::party::{Party, Weight};

/// Everything that the verdict rests on.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) options: &'a Options,
    pub(crate) enterprise: &'static str,
    pub(crate) ledger: &'a Ledger,
    pub(crate) rest: Rest,
    /// Medians under load, of the first minutes after the warm-up and of the last ones.
    pub(crate) early: Vec<Weight>,
    pub(crate) late: Vec<Weight>,
}

/// What the services weigh while nobody asks for anything.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) fresh: Vec<Weight>,
    /// After the warm-up.
    pub(crate) warm: Vec<Weight>,
    /// At the end.
    pub(crate) after: Vec<Weight>,
}

/// How much more memory there may be at last than at first, in percent.
const GROWTH: u64 = 5;
/// Descriptors at rest beside those of a fresh process: sessions that are kept ready for a gateway, 64 of HTTP/1.1
/// and two of HTTP/2, at either end.
const READY: u64 = 66;

// === impl Report ===

impl Report<'_> {
    /// Prints it, ends the services, and says whether all is well.
    pub(crate) fn judge(&self, services: &mut [Party]) -> bool {
        self.weights(services);
        let all = self.traffic();
        let grown = self.growth(services);
        let panics: usize = services.iter_mut().map(|service| self.end(service)).sum();
        self.ledger.close();
        let (faulty, faults) = self.ledger.faults();
        for fault in &faults {
            println!("fault: {fault}");
        }
        let well = grown.is_empty() && panics == 0 && faulty == 0;
        println!(
            "soak: {}: {} minutes, {} requests, {} octets up, {} down, {faulty} faults, {panics} panics, memory {}",
            if well { "pass" } else { "FAILED" },
            self.options.length.as_secs_f64() / 60.0,
            all.requests,
            all.up,
            all.down,
            match (grown.is_empty(), self.options.judges_memory()) {
                (false, _) => grown.join("; "),
                (true, true) =>
                    format!("within {GROWTH} % of that after the first minute, no descriptor left"),
                (true, false) => "not judged in so short a time".to_owned(),
            }
        );
        well
    }

    fn weights(&self, services: &[Party]) {
        println!("enterprise proxy: {}", self.enterprise);
        println!(
            "{:<10} {:<22} {:>12} {:>13} {:>11} {:>6} {:>8}",
            "service", "when", "resident KiB", "anonymous KiB", "descriptors", "pipes", "threads"
        );
        for (at, service) in services.iter().enumerate() {
            let rows = [
                ("fresh", self.rest.fresh.get(at)),
                ("at rest, warm", self.rest.warm.get(at)),
                ("at rest, at the end", self.rest.after.get(at)),
                ("loaded, at first", self.early.get(at)),
                ("loaded, at last", self.late.get(at)),
            ];
            for (when, weight) in rows {
                let Some(weight) = weight else { continue };
                println!(
                    "{:<10} {when:<22} {:>12} {:>13} {:>11} {:>6} {:>8}",
                    service.name,
                    weight.resident,
                    weight.anonymous,
                    weight.descriptors,
                    weight.pipes,
                    weight.threads
                );
            }
        }
    }

    fn traffic(&self) -> Sum {
        println!(
            "{:<17} {:<12} {:>10} {:>17} {:>17}",
            "route", "sort", "requests", "octets up", "octets down"
        );
        let mut all = Sum::default();
        for ((route, sort), sum) in self.ledger.settled() {
            println!("{route:<17} {sort:<12} {sum}");
            all.add(sum);
        }
        all
    }

    /// What weighs more than it may.
    fn growth(&self, services: &[Party]) -> Vec<String> {
        let mut grown = Vec::new();
        let rest = self.rest.fresh.iter().zip(&self.rest.after);
        for (service, (fresh, after)) in services.iter().zip(rest) {
            if after.descriptors > fresh.descriptors + READY {
                let (name, left) = (service.name, after.descriptors);
                grown.push(format!("aside, {left} descriptors of {name} are left"));
            }
        }
        if !self.options.judges_memory() {
            return grown;
        }
        let rest = self.rest.warm.iter().zip(&self.rest.after);
        for (service, (before, after)) in services.iter().zip(rest) {
            if after.resident * 100 > before.resident * (100 + GROWTH) {
                let (name, before, after) = (service.name, before.resident, after.resident);
                grown.push(format!("of {name} grew from {before} to {after} KiB"));
            }
        }
        grown
    }

    /// Ends a service; 1 if it panicked or did not end well.
    fn end(&self, service: &mut Party) -> usize {
        let status = match service.stop() {
            Ok(status) => status,
            Err(error) => {
                self.ledger.fault(error.to_string());
                return 0;
            }
        };
        let said = service.said();
        if !status.success() {
            self.ledger
                .fault(format!("{}: {status}\n{said}", service.name));
        }
        said.matches("panicked at").count()
    }
}
