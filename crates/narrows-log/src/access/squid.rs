//! Squid's native format:
//! `1795288236.129      5 127.0.0.1 TCP_TUNNEL/200 2046 CONNECT example.com:443 alice HIER_DIRECT/192.0.2.1 -`.
//!
//! Squid logs a client by its address alone, and counts the octets of the response head with the others;
//! Narrows counts what the tunnel carried.

use std::fmt::Write as _;

use narrows_endpoint::{Hop, Step};

use super::escape::{Escape, push, read};
use super::{Access, AccessError, present};
use crate::quote::number;
use crate::text::Text;
use crate::timestamp::Timestamp;
use crate::words::Via;

pub(super) fn write(access: &Access, out: &mut String) {
    let ms = access.time.unix_ms();
    let elapsed = access.elapsed_ms.unwrap_or_default();
    // Writing to a growing buffer cannot fail, so the results say nothing.
    let _ = write!(
        out,
        "{}.{:03} {elapsed:6} ",
        ms.div_euclid(1000),
        ms.rem_euclid(1000)
    );
    field(out, host_of(&access.client));
    out.push(' ');
    push(out, result(access), Escape::Percent);
    let _ = write!(out, "/{:03} {} ", access.status, access.received);
    field(out, &access.method);
    out.push(' ');
    field(out, &access.target);
    out.push(' ');
    field(out, access.identity.as_deref().unwrap_or_default());
    out.push_str(match access.via {
        Some(Via::Direct) => " HIER_DIRECT/",
        Some(_) => " FIRSTUP_PARENT/",
        None => " HIER_NONE/",
    });
    field(out, host_of(access.peer.as_deref().unwrap_or_default()));
    out.push_str(" -");
}

pub(super) fn parse(line: &str) -> Result<Access, AccessError> {
    let mut fields = line.split_ascii_whitespace();
    let mut next = |name| fields.next().ok_or(AccessError::Field(name));
    let mut first = next("time")?;
    // Some sites put a readable date and time in front.
    if first.contains('/') {
        next("time")?;
        first = next("time")?;
    }
    let time = time(first).ok_or(AccessError::Field("time"))?;
    let elapsed = next("duration")?;
    let mut access = Access::new(time, text(next("client")?));
    access.elapsed_ms = Some(number(elapsed).ok_or(AccessError::Field("duration"))?);
    let (result, status) = next("result")?
        .rsplit_once('/')
        .ok_or(AccessError::Field("result"))?;
    access.result = Some(text(result));
    access.status = number(status)
        .and_then(|status| status.try_into().ok())
        .ok_or(AccessError::Field("status"))?;
    access.received = number(next("octets")?).ok_or(AccessError::Field("octets"))?;
    access.method = text(next("method")?);
    access.target = text(next("target")?);
    access.identity = present(next("user")?).map(text);
    let (hierarchy, peer) = next("hierarchy")?
        .split_once('/')
        .ok_or(AccessError::Field("hierarchy"))?;
    access.via = via(hierarchy);
    access.peer = present(peer).map(text);
    Ok(access)
}

/// Squid's word for what happened.
fn result(access: &Access) -> &str {
    if let Some(result) = &access.result {
        return result;
    }
    match (&access.fault, access.via) {
        (Some(fault), None) if fault.by == Hop::Narrows && fault.step == Step::Decide => {
            "TCP_DENIED"
        }
        (_, None) => "NONE_NONE",
        (Some(fault), _) if fault.by == Hop::Client => "TCP_TUNNEL_ABORTED",
        _ if &*access.method == "CONNECT" => "TCP_TUNNEL",
        _ => "TCP_MISS",
    }
}

fn via(hierarchy: &str) -> Option<Via> {
    match hierarchy {
        _ if hierarchy.ends_with("DIRECT") => Some(Via::Direct),
        _ if hierarchy.ends_with("NONE") => None,
        _ => Some(Via::Proxy),
    }
}

/// Seconds since 1970 with three digits behind the point.
fn time(text: &str) -> Option<Timestamp> {
    let (seconds, ms) = text.split_once('.')?;
    let (negative, seconds) = match seconds.strip_prefix('-') {
        Some(seconds) => (true, seconds),
        None => (false, seconds),
    };
    let seconds = i64::try_from(number(seconds)?).ok()?;
    let seconds = if negative { -seconds } else { seconds };
    let ms = i64::try_from((ms.len() == 3).then(|| number(ms)).flatten()?).ok()?;
    Some(Timestamp::new(
        seconds.checked_mul(1000)?.checked_add(ms)?,
        0,
    ))
}

/// An address without its port and brackets; any other text as it is.
fn host_of(address: &str) -> &str {
    match address.parse::<std::net::SocketAddr>() {
        Ok(std::net::SocketAddr::V4(_)) => address.split(':').next().unwrap_or(address),
        Ok(std::net::SocketAddr::V6(_)) => address
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
            .unwrap_or(address),
        Err(_) => address,
    }
}

fn field(out: &mut String, text: &str) {
    match text {
        "" => out.push('-'),
        text => push(out, text, Escape::Percent),
    }
}

fn text(field: &str) -> Text {
    match present(field) {
        Some(field) => Text::new(read(field, Escape::Percent)),
        None => Text::default(),
    }
}
