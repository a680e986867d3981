//! What a tunnel must pass on besides octets.

use std::io::{ErrorKind, Read as _};
use std::net::Shutdown;
use std::time::Duration;

use crate::Failure;
use crate::bed::Bed;
use crate::peers::Running;
use crate::sockets::reset_on_close;
use crate::tunnel::{Tunnel, carry};

/// On loopback, what has not come by then is not passed on.
const PATIENCE: Duration = Duration::from_secs(2);

/// As what a reset by the target reaches the client.
pub(crate) fn reset(proxy: &Running, bed: &Bed) -> Result<&'static str, Failure> {
    let Tunnel { mut client, target } = open(proxy, bed)?;
    reset_on_close(&target)?;
    drop(target);
    Ok(match client.read(&mut [0]) {
        Err(error) if error.kind() == ErrorKind::ConnectionReset => "ok",
        Ok(0) => "end of file",
        _ => "nothing",
    })
}

/// Whether either end can go on after the other one's end.
pub(crate) fn half_close(proxy: &Running, bed: &Bed) -> Result<&'static str, Failure> {
    let Tunnel {
        mut client,
        mut target,
    } = open(proxy, bed)?;
    client.shutdown(Shutdown::Write)?;
    let up =
        matches!(target.read(&mut [0]), Ok(0)) && carry(&mut target, &mut client, b"late").is_ok();
    let Tunnel {
        mut client,
        mut target,
    } = open(proxy, bed)?;
    target.shutdown(Shutdown::Write)?;
    let down =
        matches!(client.read(&mut [0]), Ok(0)) && carry(&mut client, &mut target, b"late").is_ok();
    Ok(match (up, down) {
        (true, true) => "ok",
        (true, false) => "the client's only",
        (false, true) => "the target's only",
        (false, false) => "broken",
    })
}

/// Whether octets arrive that the client sends together with its CONNECT.
pub(crate) fn early_data(proxy: &Running, bed: &Bed) -> Result<&'static str, Failure> {
    let mut tunnel = Tunnel::open_with(Some(proxy), bed, 0, b"early")?;
    tunnel.limit(PATIENCE)?;
    let mut arrived = [0; 5];
    let read = tunnel.target.read_exact(&mut arrived);
    Ok(if read.is_ok() && &arrived == b"early" {
        "ok"
    } else {
        "lost"
    })
}

fn open(proxy: &Running, bed: &Bed) -> Result<Tunnel, Failure> {
    let tunnel = Tunnel::open(Some(proxy), bed, 0)?;
    tunnel.limit(PATIENCE)?;
    Ok(tunnel)
}
