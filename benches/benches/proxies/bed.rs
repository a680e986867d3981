//! What stands while the bench runs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Resource, Rlimit, getrlimit, setpriority_process, setrlimit};
use tempfile::TempDir;

use crate::cores::Cores;
use crate::{Failure, network, sockets};
use narrows_benches::machine;

/// Addresses of targets: a proxy's sockets towards one of them are limited by its ports.
const TARGETS: u8 = 16;

/// Before everything that has none: a compiler on one of the cores delays a round trip by milliseconds.
const PRIORITY: i32 = -10;

/// The targets, the cores, and a directory for everybody's files.
#[derive(Debug)]
pub(crate) struct Bed {
    pub(crate) cores: Cores,
    /// How many files and sockets one process may have.
    pub(crate) descriptors: usize,
    /// Whether load and proxies go before other processes, which root may ask for.
    first: bool,
    targets: Vec<(TcpListener, SocketAddr)>,
    home: TempDir,
}

impl Bed {
    pub(crate) fn make() -> Result<Self, Failure> {
        let targets = (1..=TARGETS).map(|last| {
            let listener = sockets::listen(Ipv4Addr::new(127, 0, 1, last))?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        });
        Ok(Self {
            cores: Cores::choose()?,
            descriptors: raise_descriptors()?,
            // What is started inherits it.
            first: setpriority_process(None, PRIORITY).is_ok(),
            targets: targets.collect::<io::Result<_>>()?,
            home: TempDir::new()?,
        })
    }

    /// Says what is measured on.
    pub(crate) fn introduce(&self) {
        let Cores { load, proxy } = self.cores;
        println!("load {} at the start", machine::load());
        if load == proxy {
            println!("ONE CORE: the load and the proxies share it, and wait for each other");
        } else {
            println!("proxies on core {proxy}, the load on core {load}");
        }
        if !self.first {
            println!("no priority: whatever else runs here delays the round trips");
        }
        let congestion = machine::default_congestion();
        if network::inside() {
            println!("a network of our own, congestion control {congestion} everywhere");
        } else {
            println!("congestion control: reno in the load, the targets and the references;");
            println!("the peers' sockets have the machine's default, which is {congestion}");
        }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The targets, one after the other.
    pub(crate) fn target(&self, turn: usize) -> SocketAddr {
        self.targets[turn % self.targets.len()].1
    }

    pub(crate) fn listeners(&self) -> impl Iterator<Item = &TcpListener> {
        self.targets.iter().map(|(listener, _)| listener)
    }

    /// The next connection to the target that has this turn.
    ///
    /// # Errors
    ///
    /// Also when none comes until the deadline.
    pub(crate) fn accept(&self, turn: usize, deadline: Instant) -> io::Result<TcpStream> {
        let (listener, _) = &self.targets[turn % self.targets.len()];
        loop {
            if let Some((stream, _)) = sockets::unless_waiting(listener.accept())? {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&left))?;
        }
    }

    /// Closes the connections that nobody waits for any more.
    pub(crate) fn clear(&self) -> io::Result<()> {
        std::thread::sleep(Duration::from_millis(100));
        for listener in self.listeners() {
            while sockets::unless_waiting(listener.accept())?.is_some() {}
        }
        Ok(())
    }
}

/// Allows this process, and what it starts, all that it may allow itself.
fn raise_descriptors() -> Result<usize, Failure> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )?;
    Ok(maximum.map_or(1 << 20, |maximum| {
        usize::try_from(maximum).unwrap_or(1 << 20)
    }))
}
