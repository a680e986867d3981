//! Which core the proxies run on, and which one the load.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The two cores; the same one twice on a machine with one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores {
    pub(crate) load: usize,
    pub(crate) proxy: usize,
}

impl Cores {
    /// The first and the last of those that this process may use.
    pub(crate) fn choose() -> io::Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut all = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        let load = all.next().unwrap_or(0);
        let proxy = all.next_back().unwrap_or(load);
        Ok(Self { load, proxy })
    }

    /// Puts this thread, and what it starts, on the load's core.
    pub(crate) fn go_to_load(&self) -> io::Result<()> {
        go_to(self.load)
    }

    /// Puts this thread, and what it starts, on the proxies' core.
    pub(crate) fn go_to_proxy(&self) -> io::Result<()> {
        go_to(self.proxy)
    }
}

fn go_to(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}
