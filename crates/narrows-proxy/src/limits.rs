//! The descriptor limit of the process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit on open descriptors to the hard one and returns what is in force.
///
/// A tunnel holds two descriptors, and the soft limit is 1024 on most systems. Without a hard limit
/// (`None`) the soft one goes to [`ENOUGH`]: some programs walk every possible descriptor, and some
/// kernels refuse an infinite limit. If the system refuses, the limit stays as it was; that is no
/// reason not to serve.
pub fn raise_descriptors() -> Option<u64> {
    let old = getrlimit(Resource::Nofile);
    let wanted = old.maximum.unwrap_or(ENOUGH);
    if old.current.is_none_or(|current| current >= wanted) {
        return old.current;
    }
    let new = Rlimit {
        current: Some(wanted),
        maximum: old.maximum,
    };
    match setrlimit(Resource::Nofile, new) {
        Ok(()) => new.current,
        Err(_) => old.current,
    }
}

/// What to tell the operator if that many descriptors do not carry that many tunnels.
pub fn shortage(descriptors: Option<u64>, tunnels: usize) -> Option<String> {
    let descriptors = descriptors?;
    let carried = descriptors.saturating_sub(OWN) / PER_TUNNEL;
    (u64::try_from(tunnels).unwrap_or(u64::MAX) > carried).then(|| {
        format!(
            "{descriptors} descriptors carry about {carried} tunnels, and limits.tunnels is {tunnels}; \
             raise the hard limit (ulimit -Hn, LimitNOFILE=)"
        )
    })
}

/// One to the client, one to the far side.
const PER_TUNNEL: u64 = 2;
/// Standard streams, log, listeners, runtime, and lookups that are under way.
const OWN: u64 = 64;
/// Half a million tunnels: more than the ports of one source address can carry.
pub const ENOUGH: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_is_told() {
        assert_eq!(shortage(None, 1_000_000), None);
        assert_eq!(shortage(Some(64 + 2 * 500), 500), None);
        let warning = shortage(Some(64 + 2 * 500), 501).unwrap();
        assert!(warning.contains("carry about 500 tunnels"), "{warning}");
        assert!(shortage(Some(3), 1).is_some());
    }
}
