//! A report as one page that opens offline: no script, nothing loaded from anywhere.

use std::fmt::{self, Write as _};

use narrows_log::{Moment, NameRow, ReasonRow, Report, RouteRow, Way};

use super::text::{bytes, duration};

/// Writes a report as HTML; lists of names and reasons have at most `top` rows.
pub(super) fn write(report: &Report, top: usize) -> String {
    let mut out = String::new();
    out.push_str("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" ");
    out.push_str("content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    out.push_str("<title>Log report</title>\n<style>\n");
    out.push_str(include_str!("html/report.css"));
    out.push_str("</style>\n<main>\n");
    head(&mut out, report);
    routes(&mut out, &report.routes);
    timeline(&mut out, report);
    busiest(&mut out, report, top);
    for way in Way::ALL {
        names(&mut out, report, way, top);
    }
    reasons(&mut out, "Failures", &report.failures, top);
    reasons(&mut out, "Fallbacks", &report.fallbacks, top);
    damage(&mut out, report);
    out.push_str("</main>\n</html>\n");
    out
}

/// Somebody's words: text, whatever they say.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

/// A name, which a narrow screen breaks behind its points.
struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.split_inclusive(['.', '-']);
        if let Some(first) = parts.next() {
            Plain(first).fmt(f)?;
        }
        parts.try_for_each(|part| write!(f, "<wbr>{}", Plain(part)))
    }
}

/// A time without its milliseconds and its offset from UTC, which the head of the page has.
struct Short<'a>(&'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.get(..10), self.0.get(11..19)) {
            (Some(date), Some(clock)) => write!(f, "{} {}", Plain(date), Plain(clock)),
            _ => Plain(self.0).fmt(f),
        }
    }
}

// Writing to a growing text cannot fail, so the results below say nothing.

fn head(out: &mut String, report: &Report) {
    out.push_str("<h1>Log report</h1>\n");
    if let (Some(first), Some(last)) = (&report.first, &report.last) {
        let _ = writeln!(out, "<p>{} to {}</p>", Plain(first), Plain(last));
    }
    answer(out, report);
    let failed: u64 = report.routes.iter().map(|row| row.failures).sum();
    out.push_str("<dl class=\"tiles\">\n");
    let always = [
        ("requests", report.requests),
        ("names", report.names.len() as u64),
        ("failed", failed),
    ];
    let seldom = [
        ("damaged lines", report.damaged),
        ("dropped by the log", report.dropped),
        ("without an end", report.without_end),
        ("ends alone", report.ends_without_request),
    ];
    let seldom = seldom.into_iter().filter(|(_, count)| *count > 0);
    for (name, count) in always.into_iter().chain(seldom) {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{count}</dd></div>");
    }
    out.push_str("</dl>\n");
}

/// What most people open the page for, in a sentence or two.
fn answer(out: &mut String, report: &Report) {
    let all: u64 = report.routes.iter().map(|row| row.requests).sum();
    let Some(most) = report.routes.iter().max_by_key(|row| row.requests) else {
        return;
    };
    let went = |way: Way| match way {
        Way::Direct => "went directly",
        Way::Gateway => "went through the gateway",
        Way::Proxy => "went through the proxy",
        Way::Refused => "were refused",
        _ => "went a way that the log does not say",
    };
    let _ = write!(out, "<p class=\"answer\">");
    if most.requests == all {
        let _ = write!(out, "All requests {}. ", went(most.route));
    } else {
        let percent = scale(most.requests, all, 100);
        let _ = write!(out, "{percent} % of all requests {}", went(most.route));
        let others = report.routes.iter().filter(|row| row.route != most.route);
        for row in others {
            let _ = write!(out, ", {} {}", row.requests, went(row.route));
        }
        out.push_str(". ");
    }
    let failed: u64 = report.routes.iter().map(|row| row.failures).sum();
    match (failed, report.failures.first()) {
        (0, _) => out.push_str("Nothing failed."),
        (_, Some(first)) => {
            let reason = Plain(&first.reason);
            let _ = write!(out, "{failed} failed, most often: {reason}.");
        }
        (_, None) => {
            let _ = write!(out, "{failed} failed.");
        }
    }
    out.push_str("</p>\n");
}

/// One bar that shows the share of each route, and a table.
fn routes(out: &mut String, rows: &[RouteRow]) {
    let all: u64 = rows.iter().map(|row| row.requests).sum();
    if all == 0 {
        return;
    }
    out.push_str("<h2>Routes</h2>\n<svg class=\"share\" viewBox=\"0 0 1000 40\" ");
    out.push_str("preserveAspectRatio=\"none\" role=\"img\" aria-label=\"share of each route\">\n");
    let mut before = 0;
    for row in rows {
        let (x, width) = (scale(before, all, 1000), scale(row.requests, all, 1000));
        let _ = writeln!(
            out,
            "<rect class=\"{way}\" x=\"{x}\" width=\"{width}\" height=\"40\"><title>{way}: {}</title></rect>",
            row.requests,
            way = row.route.as_str(),
        );
        before += row.requests;
    }
    out.push_str(
        "</svg>\n<div class=\"wide\"><table>\n<tr><th>route<th>requests<th>failed<th>sent",
    );
    out.push_str("<th>received<th>p50<th>p90<th>p99<th>max\n");
    for row in rows {
        let way = row.route.as_str();
        let _ = write!(
            out,
            "<tr><td><i class=\"{way}\"></i>{way}<td>{}<td>{}<td>{}<td>{}",
            row.requests,
            row.failures,
            bytes(row.sent),
            bytes(row.received),
        );
        let times = row
            .durations
            .map(|ms| [ms.p50, ms.p90, ms.p99, ms.max].map(duration));
        for time in times.into_iter().flatten() {
            let _ = write!(out, "<td>{time}");
        }
        out.push('\n');
    }
    out.push_str("</table></div>\n");
}

/// Requests over time, failures in front of them.
fn timeline(out: &mut String, report: &Report) {
    let (Some(first), Some(last)) = (report.timeline.first(), report.timeline.last()) else {
        return;
    };
    let width_ms = report.moment_seconds.max(1) * 1000;
    let at = |moment: &Moment| (moment.start_ms - first.start_ms).unsigned_abs() / width_ms;
    let count = at(last) + 1;
    let highest = report
        .timeline
        .iter()
        .map(|one| one.requests.max(one.failures))
        .max();
    let highest = highest.unwrap_or(0).max(1);
    let _ = writeln!(
        out,
        "<h2>Timeline</h2>\n<p>Requests in each {}; the highest bar is {highest}. \
         <i class=\"failed\"></i>failed</p>",
        duration(width_ms),
    );
    out.push_str("<svg class=\"time\" viewBox=\"0 0 1000 100\" preserveAspectRatio=\"none\" ");
    out.push_str("role=\"img\" aria-label=\"requests over time\">\n");
    for one in &report.timeline {
        let x = scale(at(one), count, 1000);
        let width = (1000 / count.max(1)).clamp(2, 60) - 1;
        for (class, value) in [("requests", one.requests), ("failed", one.failures)] {
            let height = scale(value, highest, 100);
            let _ = writeln!(
                out,
                "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{height}\">\
                 <title>{}: {} requests, {} failed</title></rect>",
                100 - height,
                Plain(&one.start),
                one.requests,
                one.failures,
            );
        }
    }
    let (first, last) = (Short(&first.start), Short(&last.start));
    let _ = writeln!(
        out,
        "</svg>\n<p class=\"ends\"><span>{first}</span><span>{last}</span></p>"
    );
}

/// The busiest names, a bar for each in the colours of its routes.
fn busiest(out: &mut String, report: &Report, top: usize) {
    let most = report.names.first().map_or(0, |name| name.requests);
    if most == 0 {
        return;
    }
    out.push_str("<h2>Busiest names</h2>\n<ol class=\"busy\">\n");
    for name in report.names.iter().take(top) {
        let (target, requests) = (Name(&name.target), name.requests);
        let _ = write!(out, "<li><span>{target}</span> <b>{requests}</b>");
        out.push_str(
            "<svg viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
        );
        let mut before = 0;
        for row in &name.routes {
            let _ = write!(
                out,
                "<rect class=\"{}\" x=\"{}\" width=\"{}\" height=\"10\"/>",
                row.route.as_str(),
                scale(before, most, 1000),
                scale(row.requests, most, 1000),
            );
            before += row.requests;
        }
        out.push_str("</svg>\n");
    }
    out.push_str("</ol>\n");
    more(out, report.names.len(), top);
}

fn names(out: &mut String, report: &Report, way: Way, top: usize) {
    let by_way = |name: &NameRow| name.routes.iter().find(|row| row.route == way).copied();
    let rows = report
        .names
        .iter()
        .filter_map(|name| Some((name, by_way(name)?)));
    let mut rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return;
    }
    rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.requests));
    let word = way.as_str();
    let _ = writeln!(
        out,
        "<h2><i class=\"{word}\"></i>{word}: {} names</h2>",
        rows.len()
    );
    out.push_str("<div class=\"wide\"><table>\n<tr><th>name<th>requests<th>failed<th>bytes<th>p50");
    out.push_str("<th class=\"when\">first seen<th class=\"when\">last seen\n");
    for (name, row) in rows.iter().take(top) {
        let _ = writeln!(
            out,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td class=\"when\">{}<td class=\"when\">{}",
            Name(&name.target),
            row.requests,
            row.failures,
            bytes(row.sent.saturating_add(row.received)),
            row.durations
                .map_or_else(String::new, |ms| duration(ms.p50)),
            Short(&name.first),
            Short(&name.last),
        );
    }
    out.push_str("</table></div>\n");
    more(out, rows.len(), top);
}

fn reasons(out: &mut String, title: &str, rows: &[ReasonRow], top: usize) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "<h2>{title}</h2>\n<div class=\"wide\"><table>");
    for row in rows.iter().take(top) {
        let _ = writeln!(out, "<tr><td>{}<td>{}", Plain(&row.reason), row.count);
    }
    out.push_str("</table></div>\n");
    more(out, rows.len(), top);
}

fn damage(out: &mut String, report: &Report) {
    if report.damage.is_empty() {
        return;
    }
    out.push_str("<h2>Damaged lines</h2>\n<ul>\n");
    for one in &report.damage {
        let (file, error) = (Plain(&one.file), Plain(&one.error));
        let _ = writeln!(out, "<li>{file}:{}: {error}", one.line);
    }
    out.push_str("</ul>\n");
    more(
        out,
        usize::try_from(report.damaged).unwrap_or(usize::MAX),
        report.damage.len(),
    );
}

fn more(out: &mut String, all: usize, shown: usize) {
    if all > shown {
        let _ = writeln!(out, "<p>and {} more</p>", all - shown);
    }
}

/// `part` of `all`, in parts of `size`, which a plot has.
fn scale(part: u64, all: u64, size: u32) -> u64 {
    let scaled = u128::from(part) * u128::from(size) / u128::from(all.max(1));
    u64::try_from(scaled).unwrap_or_else(|_| size.into())
}

#[cfg(test)]
mod tests;
