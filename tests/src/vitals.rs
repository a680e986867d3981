//! [`Vitals`]: what the system tells of a running process.

use std::fs;
use std::time::{Duration, Instant};

/// What the system tells of a running process (Linux).
///
/// # Panics
///
/// Every question does when the process is gone.
#[derive(Clone, Copy, Debug)]
pub struct Vitals(u32);

impl Vitals {
    /// Of the process with this number.
    pub const fn of(process: u32) -> Self {
        Self(process)
    }

    /// Descriptors that it holds.
    pub fn descriptors(self) -> usize {
        self.open().count()
    }

    /// Descriptors that it holds, without the pipes: a few of those are kept for the next tunnel that
    /// carries bulk, and narrows-tunnel's own tests hold them to their number.
    pub fn descriptors_but_pipes(self) -> usize {
        self.open()
            .filter_map(|entry| fs::read_link(entry.path()).ok())
            .filter(|open| !open.to_string_lossy().starts_with("pipe:"))
            .count()
    }

    /// Threads that it has.
    pub fn threads(self) -> u64 {
        self.status("Threads:")
    }

    /// Whether every thread of it is stopped by a signal.
    pub fn is_stopped(self) -> bool {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0)).expect("alive");
        let mut tasks = tasks.filter_map(Result::ok);
        tasks.all(|task| {
            let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(") ")
                .is_some_and(|(_, state)| state.starts_with('T'))
        })
    }

    /// Memory of its own that is in use, in KiB.
    pub fn memory(self) -> u64 {
        self.status("RssAnon:")
    }

    /// Processor time that it takes while `wait` waits, as a share of one processor.
    pub fn load_during(self, wait: impl FnOnce()) -> f64 {
        let (before, start) = (self.processor_time(), Instant::now());
        wait();
        let used = self.processor_time().saturating_sub(before);
        used.as_secs_f64() / start.elapsed().as_secs_f64()
    }

    /// Processor time that it has taken, in steps of ten milliseconds.
    fn processor_time(self) -> Duration {
        let stat = self.read("stat");
        // The name before it, in parentheses, may hold anything.
        let fields = stat.rsplit_once(')').expect("a name").1;
        let times = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = times
            .map(|ticks| ticks.parse::<u64>().expect("a number"))
            .sum();
        // USER_HZ is 100 on every Linux that there is.
        Duration::from_millis(10 * ticks)
    }

    fn open(self) -> impl Iterator<Item = fs::DirEntry> {
        let directory = format!("/proc/{}/fd", self.0);
        fs::read_dir(directory)
            .expect("alive")
            .filter_map(Result::ok)
    }

    fn status(self, key: &str) -> u64 {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let number = line.and_then(|value| value.split_whitespace().next());
        number
            .and_then(|number| number.parse().ok())
            .expect("a number")
    }

    fn read(self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.0)).expect("alive")
    }
}
