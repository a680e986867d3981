//! `logs follow`: requests as they end, one line each.

use std::io::{self, Write};
use std::time::Duration;

use narrows_log::{Access, Entry, Joined, Joiner, Summary, Way};

use super::FollowArgs;
use super::text::{bytes, duration};

mod tail;

use tail::{News, Tail};

/// Writes each request to `out` when it has ended, until `wait` says `false`; then a summary of what was
/// shown. `colour` is for terminals.
///
/// `wait` is called when there is nothing more to read.
///
/// # Errors
///
/// The first of `out`; a file that cannot be read is said in `out` and looked for again.
pub fn follow(
    args: &FollowArgs,
    out: &mut impl Write,
    colour: bool,
    mut wait: impl FnMut() -> bool,
) -> io::Result<()> {
    let mut tails: Vec<_> = args
        .files
        .iter()
        .map(|file| Tail::new(file.clone()))
        .collect();
    let mut follower = Follower {
        args,
        colour,
        joiner: Joiner::default(),
        shown: Summary::default(),
        damaged: 0,
    };
    let mut last = Vec::new();
    for tail in &mut tails {
        tail.start(&mut |line| last.extend(follower.line(line)))?;
    }
    let surplus = last.len().saturating_sub(args.last);
    follower.shown = Summary::default();
    for access in &last[surplus..] {
        follower.show(access, out)?;
    }
    loop {
        let mut ended = Vec::new();
        for tail in &mut tails {
            let news = tail.look(&mut |line| ended.extend(follower.line(line)));
            for access in ended.drain(..) {
                follower.show(&access, out)?;
            }
            if let Some(news) = news {
                note(&news, tail, out)?;
            }
        }
        out.flush()?;
        if !wait() {
            return follower.finish(out);
        }
    }
}

/// How long to wait before looking again; a person does not notice it.
pub const PAUSE: Duration = Duration::from_millis(200);

fn note(news: &News, tail: &Tail, out: &mut impl Write) -> io::Result<()> {
    let name = tail.name();
    match news {
        News::Back => writeln!(out, "-- {name}: goes on in a new file"),
        News::Gone(error) => writeln!(out, "-- {name}: {error}; waiting for it"),
        News::Shorter => writeln!(out, "-- {name}: was cut short; goes on from its start"),
    }
}

struct Follower<'a> {
    args: &'a FollowArgs,
    colour: bool,
    joiner: Joiner,
    shown: Summary,
    damaged: u64,
}

impl Follower<'_> {
    /// The request that ends with this line, if it is one that is wanted.
    fn line(&mut self, line: &[u8]) -> Option<Access> {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\n', '\r']);
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let access = match Entry::parse(line) {
            Ok(Entry::Access(access)) => access,
            Ok(Entry::Record(record)) => match self.joiner.add(&record) {
                Joined::Whole(access) | Joined::End(access) => access,
                _ => return None,
            },
            Err(_) => {
                self.damaged += 1;
                return None;
            }
        };
        self.is_wanted(&access).then_some(*access)
    }

    fn is_wanted(&self, access: &Access) -> bool {
        let (way, failed) = how(access);
        let named = self.args.name.is_empty()
            || self
                .args
                .name
                .iter()
                .any(|name| access.target.contains(&**name));
        let routed = self.args.route.is_empty()
            || self
                .args
                .route
                .iter()
                .any(|route| route.as_str() == way.as_str());
        named && routed && (failed || !self.args.failed)
    }

    fn show(&mut self, access: &Access, out: &mut impl Write) -> io::Result<()> {
        let (way, failed) = how(access);
        let time = access.time.to_string();
        let clock = time.get(11..23).unwrap_or(&time);
        let elapsed = access.elapsed_ms.map_or_else(|| "-".to_owned(), duration);
        let target = match access.target.visible() {
            target if target.is_empty() => "-".to_owned(),
            target => target.to_string(),
        };
        let (on, off) = if self.colour {
            (paint(way, failed), "\x1b[0m")
        } else {
            ("", "")
        };
        let (sent, received) = (
            bytes(access.sent.unwrap_or_default()),
            bytes(access.received),
        );
        write!(
            out,
            "{clock} {on}{:<8}{off} {elapsed:>8} {sent:>8} > {received:>8} < {target}",
            way.as_str()
        )?;
        if let Some(fallback) = &access.fallback {
            let reason = fallback.reason.visible();
            write!(out, " (wanted {}: {reason})", fallback.wanted)?;
        }
        if let Some(fault) = &access.fault {
            let reason = fault.reason.visible();
            write!(out, " {on}{}/{}: {reason}{off}", fault.by, fault.step)?;
        } else if failed {
            let result = access.result.clone().unwrap_or_default().visible();
            write!(out, " {on}{} {result}{off}", access.status)?;
        }
        self.shown.add(&Entry::Access(Box::new(access.clone())));
        writeln!(out)
    }

    fn finish(&self, out: &mut impl Write) -> io::Result<()> {
        let report = self.shown.report();
        let failed: u64 = report.failures.iter().map(|row| row.count).sum();
        let ways = report.routes.iter();
        let ways: Vec<_> = ways
            .map(|row| format!("{} {}", row.route.as_str(), row.requests))
            .collect();
        let octets = report
            .routes
            .iter()
            .map(|row| row.sent.saturating_add(row.received));
        let octets = octets.fold(0, u64::saturating_add);
        writeln!(
            out,
            "-- {} requests to {} names ({}), {failed} failed, {}; {} still open, {} lines damaged",
            report.requests,
            report.names.len(),
            if ways.is_empty() {
                "none".to_owned()
            } else {
                ways.join(", ")
            },
            bytes(octets),
            self.joiner.open_requests(),
            self.damaged,
        )?;
        for row in report.failures.iter().take(3) {
            writeln!(out, "--   {} times {}", row.count, row.reason)?;
        }
        out.flush()
    }
}

/// The way a request went, and whether it failed.
fn how(access: &Access) -> (Way, bool) {
    let result = access.result.as_deref().unwrap_or_default();
    let refused = access.fault.is_none()
        && access.elapsed_ms.is_some()
        && (!(100..400).contains(&access.status) || result.contains("DENIED"));
    let failed = access.fault.is_some() || refused;
    let way = match access.via {
        Some(via) => via.into(),
        None if failed => Way::Refused,
        None => Way::Unsaid,
    };
    (way, failed)
}

/// The same colours as on the page of `logs report`.
const fn paint(way: Way, failed: bool) -> &'static str {
    if failed {
        return "\x1b[31m";
    }
    match way {
        Way::Gateway => "\x1b[34m",
        Way::Proxy => "\x1b[35m",
        Way::Direct => "\x1b[32m",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
