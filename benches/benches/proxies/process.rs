//! A process that is measured, on a core of its own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Failure;
use crate::cores::Cores;

/// How long a process may take to listen.
const START: Duration = Duration::from_secs(15);

/// A running process; dropping it kills it and what it started.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts a program that says where it listens, and waits until it does.
    pub(crate) fn that_says(
        command: &mut Command,
        cores: &Cores,
    ) -> Result<(Self, SocketAddr), Failure> {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = Self::spawn(command, cores)?;
        let stderr = process.child.stderr.take().ok_or("no standard error")?;
        let (say, said) = mpsc::channel();
        // It reads until the process ends, so that nobody ever waits for a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = say.send(line);
            }
        });
        let mut all = String::new();
        while let Ok(line) = said.recv_timeout(START) {
            if let Some((_, address)) = line.split_once("listening on ") {
                return Ok((process, address.trim().parse()?));
            }
            all = all + "\n" + &line;
        }
        Err(format!("{command:?} does not listen:{all}").into())
    }

    /// Starts a program that was told where to listen, and waits until it does.
    pub(crate) fn told(
        command: &mut Command,
        listens: SocketAddr,
        cores: &Cores,
    ) -> Result<Self, Failure> {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Self::spawn(command, cores)?;
        let start = Instant::now();
        while start.elapsed() < START {
            if TcpStream::connect(listens).is_ok() {
                return Ok(process);
            }
            if let Some(status) = process.child.try_wait()? {
                return Err(format!("{command:?} ended: {status}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("{command:?} does not listen").into())
    }

    fn spawn(command: &mut Command, cores: &Cores) -> Result<Self, Failure> {
        // A program that counts its cores when it starts must find one, so it inherits that.
        cores.go_to_proxy()?;
        let child = command.stdin(Stdio::null()).spawn();
        cores.go_to_load()?;
        let child = child.map_err(|error| format!("{command:?}: {error}"))?;
        Ok(Self { child })
    }

    /// The processor time that it has used, with its threads and children that ended; in clock ticks.
    pub(crate) fn processor(&self) -> Duration {
        let ticks: u64 = self.all().iter().filter_map(|&id| ticks(id)).sum();
        Duration::from_secs(ticks)
            / u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100)
    }

    /// The processor time that its living threads have used; in nanoseconds.
    pub(crate) fn processor_finely(&self) -> Duration {
        let threads = self.all().into_iter().flat_map(|id| {
            let threads = fs::read_dir(format!("/proc/{id}/task"));
            threads.into_iter().flatten().flatten()
        });
        let used = threads.filter_map(|thread| -> Option<u64> {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse().ok()
        });
        Duration::from_nanos(used.sum())
    }

    /// Its memory in KiB, shared pages by its share.
    pub(crate) fn memory(&self) -> u64 {
        let of = |id| {
            let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        self.all().into_iter().filter_map(of).sum()
    }

    /// How many files and sockets it has open.
    pub(crate) fn descriptors(&self) -> usize {
        let of = |id| fs::read_dir(format!("/proc/{id}/fd")).map_or(0, Iterator::count);
        self.all().into_iter().map(of).sum()
    }

    /// Its own id, and those of all that it started.
    fn all(&self) -> Vec<u32> {
        let mut all = vec![self.child.id()];
        let mut at = 0;
        while let Some(&id) = all.get(at) {
            let threads = fs::read_dir(format!("/proc/{id}/task"));
            for thread in threads.into_iter().flatten().flatten() {
                let children = fs::read_to_string(thread.path().join("children"));
                let children = children.unwrap_or_default();
                all.extend(
                    children
                        .split_whitespace()
                        .filter_map(|id| id.parse::<u32>().ok()),
                );
            }
            at += 1;
        }
        all
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for id in self.all().into_iter().skip(1) {
            if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
                // It fails only when it has ended already, as does what follows.
                let _ = kill_process(id, Signal::KILL);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time, of the process and of its children that ended.
fn ticks(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name stands in brackets and may hold anything; the state is the first field after it.
    let (_, fields) = stat.rsplit_once(") ")?;
    let times = fields.split(' ').skip(11).take(4);
    times.map(|time| time.parse::<u64>().ok()).sum()
}
