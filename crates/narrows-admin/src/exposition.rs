//! What Prometheus reads. Every label comes from a closed list or from the configuration: no client can
//! make a series.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use narrows_log::Via;

use crate::serve::State;
use crate::status::Status;
use crate::watch::{Histogram, Watch};

/// The form that [`text`] writes.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of now.
pub(crate) fn write(state: &State) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape {
        status: state.status(),
        watch: std::sync::Arc::clone(&state.watch),
    }));
    let mut out = String::with_capacity(16 * 1024);
    // A string takes everything.
    let _ = text::encode(&mut out, &registry);
    out
}

/// The values of one answer.
#[derive(Debug)]
struct Scrape {
    status: Status,
    watch: std::sync::Arc<Watch>,
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let out = &mut Out(&mut encoder);
        self.tunnels(out)?;
        self.requests(out)?;
        self.durations(out)?;
        self.parties(out)?;
        self.process(out)
    }
}

impl Scrape {
    fn tunnels(&self, out: &mut Out<'_, '_>) -> fmt::Result {
        let bytes = &self.status.bytes;
        let by_route = |count: fn(&crate::status::Bytes) -> u64| {
            bytes
                .iter()
                .map(move |row| ([("route", row.via.as_str())], count(row)))
        };
        out.gauges(
            "narrows_tunnels_open",
            "Tunnels and exchanges that are open, by route",
            by_route(|row| row.open),
        )?;
        out.counters(
            "narrows_tunnels_opened",
            "Requests that were carried, by route",
            by_route(|row| row.carried),
        )?;
        let ends = self.watch.tallies.ends();
        out.counters(
            "narrows_tunnels_ended",
            "Carried requests that have ended, by route and how",
            ends.map(|(way, word, count)| {
                let route = Via::ALL.get(way).map_or("", |via| via.as_str());
                ([("route", route), ("end", word.as_str())], count)
            }),
        )?;
        let octets = bytes.iter().flat_map(|row| {
            let route = ("route", row.via.as_str());
            [
                ([route, ("direction", "sent")], row.sent),
                ([route, ("direction", "received")], row.received),
            ]
        });
        out.counters(
            "narrows_tunnel_bytes",
            "Octets delivered, by route; sent is towards targets",
            octets,
        )
    }

    fn requests(&self, out: &mut Out<'_, '_>) -> fmt::Result {
        let statuses = self
            .watch
            .tallies
            .refusals()
            .map(|(hop, step, status, count)| {
                let status = match status {
                    0 => "other".to_owned(),
                    status => status.to_string(),
                };
                (
                    [
                        ("by", hop.as_str().to_owned()),
                        ("step", step.as_str().to_owned()),
                        ("status", status),
                    ],
                    count,
                )
            });
        out.counters(
            "narrows_refusals",
            "Requests that were refused or failed, by party, step and HTTP status",
            statuses,
        )?;
        let requests = &self.status.requests;
        out.counter(
            "narrows_would_deny",
            "Requests that were carried only because rules do not more than report",
            requests.would_deny,
        )?;
        out.counter(
            "narrows_fallbacks",
            "Requests that took another route than the decided one",
            requests.fallbacks,
        )?;
        let log = &self.status.log;
        out.counter(
            "narrows_log_lines_written",
            "Log lines written",
            log.written,
        )?;
        out.counter(
            "narrows_log_lines_dropped",
            "Log lines left out because the log could not keep up",
            log.dropped,
        )?;
        out.counter(
            "narrows_log_errors",
            "Failures to write the log",
            log.errors,
        )?;
        let configuration = &self.status.configuration;
        out.counters(
            "narrows_reloads",
            "Attempts to read the settings again",
            [
                ([("outcome", "taken")], configuration.reloads),
                ([("outcome", "refused")], configuration.failed_reloads),
            ],
        )
    }

    fn durations(&self, out: &mut Out<'_, '_>) -> fmt::Result {
        let tallies = &self.watch.tallies;
        out.histograms(
            "narrows_open_seconds",
            "From a request's head to its open tunnel, by route",
            &tallies.open_seconds,
        )?;
        out.histograms(
            "narrows_tunnel_seconds",
            "From a request's head to its end, by route",
            &tallies.life_seconds,
        )
    }

    fn parties(&self, out: &mut Out<'_, '_>) -> fmt::Result {
        let facts = self.status.parties.iter().flat_map(|party| {
            let known = party.facts().into_iter();
            known.filter_map(move |(step, fact)| {
                let labels = [
                    ("party", party.kind.as_str()),
                    ("address", party.address.as_str()),
                    ("step", step),
                ];
                Some((labels, u64::from(fact?.error.is_none())))
            })
        });
        out.gauges(
            "narrows_party_up",
            "Whether the last try of a step with a party went well; absent until there was one",
            facts,
        )
    }

    fn process(&self, out: &mut Out<'_, '_>) -> fmt::Result {
        let status = &self.status;
        let none = || [] as [(&str, &str); 0];
        let build = [
            ("program", status.program.as_str()),
            ("version", status.version.as_str()),
        ];
        let mut info = out.family("narrows_build", "What is running", MetricType::Info)?;
        info.encode_info(&build)?;
        out.gauges(
            "narrows_ready",
            "Whether new requests are taken",
            [(none(), u64::from(status.ready))],
        )?;
        out.gauges(
            "narrows_report_only",
            "Whether rules only report what they would refuse",
            [(none(), u64::from(status.report_only))],
        )?;
        let descriptors = &status.descriptors;
        out.gauges(
            "process_open_fds",
            "Open descriptors",
            descriptors.open.map(|open| (none(), open)),
        )?;
        out.gauges(
            "process_max_fds",
            "The most descriptors there can be",
            descriptors.limit.map(|limit| (none(), limit)),
        )?;
        let mut start = out.family(
            "process_start_time_seconds",
            "When the process began, in seconds since 1970",
            MetricType::Gauge,
        )?;
        start.encode_gauge(&self.watch.since_unix)
    }
}

/// Families of metrics, in the words of this file.
struct Out<'a, 'e>(&'a mut DescriptorEncoder<'e>);

impl Out<'_, '_> {
    fn family<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, help, None, kind)
    }

    fn counter(&mut self, name: &str, help: &str, count: u64) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Counter)?;
        family.encode_counter::<NoLabelSet, _, u64>(&count, None)
    }

    fn counters<const N: usize, V: AsRef<str>>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = ([(&'static str, V); N], u64)>,
    ) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Counter)?;
        for (labels, count) in rows {
            let labels = labels
                .each_ref()
                .map(|(name, value)| (*name, value.as_ref()));
            let mut metric = family.encode_family(&labels)?;
            metric.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        Ok(())
    }

    fn gauges<const N: usize, V: AsRef<str>>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = ([(&'static str, V); N], u64)>,
    ) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Gauge)?;
        for (labels, value) in rows {
            let labels = labels
                .each_ref()
                .map(|(name, value)| (*name, value.as_ref()));
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn histograms<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: &[Histogram<N>],
    ) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Histogram)?;
        for (via, histogram) in Via::ALL.iter().zip(rows) {
            let reading = histogram.read();
            let labels = [("route", via.as_str())];
            family
                .encode_family(&labels)?
                .encode_histogram::<NoLabelSet>(
                    reading.sum,
                    reading.count,
                    &reading.buckets,
                    None,
                )?;
        }
        Ok(())
    }
}
