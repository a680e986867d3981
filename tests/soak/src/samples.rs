//! What the services weigh, once a second.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::Failure;
use crate::party::{Party, Weight};

/// The weights of all services over time.
#[derive(Debug)]
pub(crate) struct Samples {
    file: std::fs::File,
    rows: Vec<(Duration, Vec<Weight>)>,
}

// === impl Samples ===

impl Samples {
    /// Keeps a copy in this file.
    pub(crate) fn new(file: &Path) -> Result<Self, Failure> {
        let mut file = std::fs::File::create(file)?;
        writeln!(
            file,
            "second,service,resident_kib,anonymous_kib,descriptors,pipes,threads"
        )?;
        Ok(Self {
            file,
            rows: Vec::new(),
        })
    }

    /// Weighs everybody.
    pub(crate) fn take(
        &mut self,
        at: Duration,
        services: &[Party],
    ) -> Result<Vec<Weight>, Failure> {
        let mut row = Vec::new();
        for service in services {
            let weight = service.weight();
            let weight =
                weight.ok_or_else(|| format!("{} has died:\n{}", service.name, service.said()))?;
            writeln!(
                self.file,
                "{},{},{},{},{},{},{}",
                at.as_secs(),
                service.name,
                weight.resident,
                weight.anonymous,
                weight.descriptors,
                weight.pipes,
                weight.threads
            )?;
            row.push(weight);
        }
        self.rows.push((at, row.clone()));
        Ok(row)
    }

    /// The median of each service between two moments, figure by figure.
    pub(crate) fn median(&self, from: Duration, to: Duration) -> Vec<Weight> {
        let rows: Vec<&Vec<Weight>> = self
            .rows
            .iter()
            .filter(|(at, _)| (from..to).contains(at))
            .map(|(_, row)| row)
            .collect();
        let services = rows.first().map_or(0, |row| row.len());
        let of = |service: usize, figure: fn(&Weight) -> u64| {
            let mut all: Vec<u64> = rows.iter().map(|row| figure(&row[service])).collect();
            all.sort_unstable();
            all[all.len() / 2]
        };
        (0..services)
            .map(|service| Weight {
                resident: of(service, |weight| weight.resident),
                anonymous: of(service, |weight| weight.anonymous),
                descriptors: of(service, |weight| weight.descriptors),
                pipes: of(service, |weight| weight.pipes),
                threads: of(service, |weight| weight.threads),
            })
            .collect()
    }
}
