//! What the machine has that figures depend on.

use std::fs;
use std::path::PathBuf;

/// Where a program is installed; services are looked for where an ordinary user's `PATH` does not lead.
#[must_use]
pub fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin".into(), "/usr/local/sbin".into()];
    std::env::split_paths(&path)
        .chain(more)
        .map(|place| place.join(program))
        .find(|file| file.is_file())
}

/// The congestion control of sockets that ask for none; "unknown" where there is no `/proc`.
#[must_use]
pub fn default_congestion() -> String {
    let file = "/proc/sys/net/ipv4/tcp_congestion_control";
    fs::read_to_string(file).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

/// How many processes wanted a core in the last minute, on average; "?" where there is no `/proc`.
#[must_use]
pub fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().filter(|load| !load.is_empty());
    load.unwrap_or("?").to_owned()
}
