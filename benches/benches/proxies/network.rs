//! A network of our own, where every socket has reno and nobody else has any.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use crate::Failure;

/// Tells the copy inside that it is inside.
const INSIDE: &str = "NARROWS_BENCH_INSIDE";
/// Loopback is down in a new network, and its sockets have the kernel's default congestion control. The
/// ports of half a minute of set-ups have to fit, too.
const PREPARE: &str = "ip link set lo up \
    && echo reno >/proc/sys/net/ipv4/tcp_congestion_control \
    && echo 10240 65535 >/proc/sys/net/ipv4/ip_local_port_range";

/// Whether this process is in a network that [`enter`] made.
pub(crate) fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Becomes another copy of this program in a network of its own; returns where that is impossible.
pub(crate) fn enter(arguments: &[String]) -> Result<(), Failure> {
    // Root needs no user namespace, and without one it can change users for those who want that.
    let flags = ["-n", "-rn"];
    let possible = flags.iter().find(|flags| {
        let mut trial = Command::new("unshare");
        trial.args([flags, "sh", "-c", PREPARE]);
        trial.stdout(Stdio::null()).stderr(Stdio::null());
        trial.status().is_ok_and(|status| status.success())
    });
    let Some(flags) = possible else {
        return Ok(());
    };
    let script = format!("{PREPARE} && exec \"$@\"");
    let mut command = Command::new("unshare");
    command.args([flags, "sh", "-c", &script, "sh"]);
    command.arg(std::env::current_exe()?).args(arguments);
    Err(command.env(INSIDE, "1").exec().into())
}
