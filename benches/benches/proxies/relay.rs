//! The bare relays beside which everybody is measured: this program in another role.
//!
//! They read a CONNECT of a literal address, answer, and move bytes; no policy, no log, no limits.

mod lazy;
mod splice;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use crate::Failure;

/// A tokio relay that holds no buffer while idle.
pub(crate) const LAZY: &str = "as-lazy";
/// An epoll relay that moves bytes with splice(2): the limit.
pub(crate) const SPLICE: &str = "as-splice";

const OPEN: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
const REFUSED: &[u8] = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// No CONNECT of this bench is longer.
const LONGEST_HEAD: usize = 4096;

/// Plays a role to its end, if it is one.
pub(crate) fn play(role: &str) -> Option<ExitCode> {
    let outcome = match role {
        LAZY => lazy::run(),
        SPLICE => splice::run(),
        _ => return None,
    };
    let Err(error) = outcome else {
        return Some(ExitCode::SUCCESS);
    };
    say(&error.to_string());
    Some(ExitCode::FAILURE)
}

/// The target of a CONNECT and where its head ends, once it is there.
fn parse(head: &[u8]) -> Result<Option<(SocketAddr, usize)>, Failure> {
    let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else {
        let long = head.len() >= LONGEST_HEAD;
        return if long {
            Err("a long head".into())
        } else {
            Ok(None)
        };
    };
    let text = std::str::from_utf8(&head[..end])?;
    let target = text
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(' ').next());
    let target: SocketAddr = target.ok_or("not a CONNECT")?.parse()?;
    if target.ip().is_loopback() {
        Ok(Some((target, end + 4)))
    } else {
        Err("not on loopback".into())
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the copy that started this one reads it"
)]
fn say(line: &str) {
    eprintln!("{line}");
}
