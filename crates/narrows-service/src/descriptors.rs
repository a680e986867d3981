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

/// The soft limit that is in force; `None` if there is none.
pub fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// How many descriptors are open, where the system tells: on Linux.
pub fn open() -> Option<u64> {
    let entries = std::fs::read_dir("/proc/self/fd").ok()?;
    // One of them is the list itself.
    Some((entries.count() as u64).saturating_sub(1))
}

/// How many of the wanted tunnels that many descriptors carry, so that one more is answered with 503
/// instead of waiting for a descriptor that does not come.
pub fn tunnels(descriptors: Option<u64>, wanted: usize) -> usize {
    let carried = descriptors.map_or(u64::MAX, |all| {
        all.saturating_sub(OWN + pipes(all)) / PER_TUNNEL
    });
    usize::try_from(carried).map_or(wanted, |carried| wanted.min(carried.max(1)))
}

/// Descriptors of the pipes through which bulk is spliced: one pipe for each 64 descriptors, at most 128
/// pipes (`narrows_tunnel`).
fn pipes(all: u64) -> u64 {
    (all / 64).min(128) * 2
}

/// What to tell the operator if fewer tunnels are carried than `wanted`.
///
/// Nobody wants [`MOST_TUNNELS`] in particular: that many stand for as many as there can be.
pub fn shortage(descriptors: Option<u64>, wanted: usize) -> Option<String> {
    let carried = tunnels(descriptors, wanted);
    (carried < wanted && (wanted != MOST_TUNNELS || carried < FEW_TUNNELS)).then(|| {
        format!(
            "{} descriptors carry {carried} tunnels, and limits.tunnels is {wanted}; \
             raise the hard limit (ulimit -Hn, LimitNOFILE=)",
            descriptors.unwrap_or(u64::MAX)
        )
    })
}

/// The default of `limits.tunnels`: what the ports of one source address carry.
pub const MOST_TUNNELS: usize = 65536;
/// A machine's agents hold hundreds of tunnels; a limit below this is worth a word.
const FEW_TUNNELS: usize = 1024;
/// One to the client, one to the far side.
const PER_TUNNEL: u64 = 2;
/// Standard streams, log, listeners, runtime, lookups that are under way, and clients being refused.
const OWN: u64 = 384;
/// Half a million tunnels: more than the ports of one source address can carry.
pub const ENOUGH: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// With 22 pipes.
    const FOR_500: u64 = OWN + 2 * 500 + 44;

    #[test]
    fn tunnels_fit_the_descriptors() {
        assert_eq!(tunnels(None, MOST_TUNNELS), MOST_TUNNELS);
        assert_eq!(tunnels(Some(FOR_500), 501), 500);
        assert_eq!(tunnels(Some(FOR_500), 500), 500);
        assert_eq!(tunnels(Some(1 << 20), 1 << 20), (1 << 19) - 128 - 192);
        assert_eq!(tunnels(Some(3), 1), 1);
    }

    #[test]
    fn a_shortage_is_told() {
        assert_eq!(shortage(None, MOST_TUNNELS), None);
        assert_eq!(shortage(Some(FOR_500), 500), None);
        let warning = shortage(Some(FOR_500), 501).unwrap();
        assert!(warning.contains("carry 500 tunnels"), "{warning}");
        // The default only says something when it comes out at little.
        assert_eq!(shortage(Some(20_000), MOST_TUNNELS), None);
        assert!(shortage(Some(1024), MOST_TUNNELS).is_some());
    }
}
