//! The Common Log Format:
//! `127.0.0.1 - alice [21/Nov/2026:23:39:18 +0000] "CONNECT example.com:443 HTTP/1.1" 200 2046`.

use std::fmt::Write as _;

use super::escape::{Escape, push, read};
use super::{Access, AccessError, present};
use crate::quote::number;
use crate::text::Text;
use crate::timestamp::Timestamp;
use crate::words::HttpVersion;

pub(super) fn write(access: &Access, out: &mut String) {
    field(out, &access.client);
    out.push_str(" - ");
    field(out, access.identity.as_deref().unwrap_or_default());
    out.push_str(" [");
    push_time(out, access.time);
    out.push_str("] \"");
    field(out, &access.method);
    out.push(' ');
    field(out, &access.target);
    if let Some(version) = access.version {
        out.push(' ');
        out.push_str(word(version));
    }
    // Writing to a growing buffer cannot fail, so the result says nothing.
    let _ = write!(out, "\" {:03} {}", access.status, access.received);
}

pub(super) fn parse(line: &str) -> Result<Access, AccessError> {
    let (client, rest) = word_of(line).ok_or(AccessError::Field("client"))?;
    let (_, rest) = word_of(rest).ok_or(AccessError::Field("ident"))?;
    let (user, rest) = word_of(rest).ok_or(AccessError::Field("user"))?;
    let (time, rest) = rest
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] \""))
        .ok_or(AccessError::Field("time"))?;
    let time = parse_time(time).ok_or(AccessError::Field("time"))?;
    let (request, rest) = request(rest).ok_or(AccessError::Field("request"))?;
    // Referer and user agent of the combined format may follow.
    let mut rest = rest.split_ascii_whitespace();
    let mut access = Access::new(time, text(client));
    access.identity = present(user).map(text);
    access.status = rest
        .next()
        .and_then(|status| number(present(status).unwrap_or("0")))
        .and_then(|status| status.try_into().ok())
        .ok_or(AccessError::Field("status"))?;
    access.received = rest
        .next()
        .and_then(|octets| number(present(octets).unwrap_or("0")))
        .ok_or(AccessError::Field("octets"))?;
    let mut words = request.split_ascii_whitespace();
    access.method = text(words.next().unwrap_or_default());
    access.target = text(words.next().unwrap_or_default());
    access.version = words.next().and_then(version);
    Ok(access)
}

fn word_of(line: &str) -> Option<(&str, &str)> {
    line.split_once(' ').filter(|(word, _)| !word.is_empty())
}

/// What stands up to the next quote that is not escaped, and what follows it.
fn request(rest: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = rest.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    Some((&rest[..end], &rest[end + 1..]))
}

const fn word(version: HttpVersion) -> &'static str {
    match version {
        HttpVersion::Http10 => "HTTP/1.0",
        HttpVersion::Http11 => "HTTP/1.1",
        HttpVersion::Http2 => "HTTP/2.0",
    }
}

fn version(text: &str) -> Option<HttpVersion> {
    HttpVersion::ALL
        .into_iter()
        .find(|version| word(*version) == text)
}

/// `21/Nov/2026:23:39:18 +0000`
fn push_time(out: &mut String, time: Timestamp) {
    let text = time.to_string();
    // A timestamp's own text: `2026-11-21T23:39:18.339+01:00`, every part at a fixed place.
    let (date, clock) = text.split_at(10);
    let month = date[5..7].parse::<usize>().unwrap_or(1);
    let zone = match &clock[13..] {
        "Z" => "+0000".to_owned(),
        zone => zone.replace(':', ""),
    };
    for part in [
        &date[8..],
        "/",
        MONTHS[(month - 1) % 12],
        "/",
        &date[..4],
        ":",
        &clock[1..9],
        " ",
        &zone,
    ] {
        out.push_str(part);
    }
}

fn parse_time(text: &str) -> Option<Timestamp> {
    let (date, zone) = text.split_once(' ')?;
    let (day, rest) = date.split_once('/')?;
    let (month, rest) = rest.split_once('/')?;
    let (year, clock) = rest.split_once(':')?;
    let month = MONTHS.iter().position(|known| *known == month)? + 1;
    let (hours, minutes) = zone.split_at_checked(3)?;
    format!("{year}-{month:02}-{day}T{clock}.000{hours}:{minutes}")
        .parse()
        .ok()
}

fn field(out: &mut String, text: &str) {
    match text {
        "" => out.push('-'),
        text => push(out, text, Escape::Slash),
    }
}

fn text(field: &str) -> Text {
    match present(field) {
        Some(field) => Text::new(read(field, Escape::Slash)),
        None => Text::default(),
    }
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
