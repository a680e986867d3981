//! A process that takes part: started, listened to, weighed, ended.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Failure;

/// How long a process may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running process; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Party {
    pub(crate) name: &'static str,
    child: Child,
    said: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

/// What a process holds at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weight {
    /// KiB that are resident.
    pub(crate) resident: u64,
    /// Those of them that are no file's.
    pub(crate) anonymous: u64,
    /// Descriptors other than pipes.
    pub(crate) descriptors: u64,
    pub(crate) pipes: u64,
    pub(crate) threads: u64,
}

// === impl Party ===

impl Party {
    /// Starts one of our services and waits for its address. Each line of its standard output, which is its
    /// log, is given to `log`.
    pub(crate) fn service(
        name: &'static str,
        command: &mut Command,
        log: impl Fn(&str) + Send + 'static,
    ) -> Result<(Self, SocketAddr), Failure> {
        let mut party = Self::spawn(name, command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let (stdout, stderr) = (party.child.stdout.take(), party.child.stderr.take());
        let stdout = stdout.ok_or("no standard output")?;
        let stderr = stderr.ok_or("no standard error")?;
        let said = Arc::clone(&party.said);
        let (say, heard) = mpsc::channel();
        let lines = |from: BufReader<_>| from.lines().map_while(Result::ok);
        party.readers.push(std::thread::spawn(move || {
            BufReader::with_capacity(1 << 20, stdout)
                .lines()
                .map_while(Result::ok)
                .for_each(|line| log(&line));
        }));
        party.readers.push(std::thread::spawn(move || {
            for line in lines(BufReader::new(stderr)) {
                *said.lock().unwrap_or_else(PoisonError::into_inner) += &(line.clone() + "\n");
                if let Some((_, address)) = line.split_once("listening on ") {
                    let _ = say.send(address.trim().parse());
                }
            }
        }));
        match heard.recv_timeout(PATIENCE) {
            Ok(address) => Ok((party, address?)),
            Err(_) => Err(format!("{name} does not listen:\n{}", party.said()).into()),
        }
    }

    /// Starts another program that was told where to listen, and waits until it does.
    pub(crate) fn told(
        name: &'static str,
        command: &mut Command,
        listens: SocketAddr,
    ) -> Result<Self, Failure> {
        let mut party = Self::spawn(name, command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if TcpStream::connect(listens).is_ok() {
                return Ok(party);
            }
            if let Some(status) = party.child.try_wait()? {
                return Err(format!("{name} ended: {status}").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(format!("{name} does not listen").into())
    }

    fn spawn(name: &'static str, command: &mut Command) -> Result<Self, Failure> {
        let child = command.stdin(Stdio::null()).spawn();
        Ok(Self {
            name,
            child: child.map_err(|error| format!("{command:?}: {error}"))?,
            said: Arc::default(),
            readers: Vec::new(),
        })
    }

    /// What it said on standard error.
    pub(crate) fn said(&self) -> String {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Nothing, once it has ended.
    pub(crate) fn weight(&self) -> Option<Weight> {
        let id = self.child.id();
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let mut weight = Weight {
            resident: field("VmRSS:")?,
            anonymous: field("RssAnon:")?,
            threads: field("Threads:")?,
            ..Weight::default()
        };
        for open in fs::read_dir(format!("/proc/{id}/fd")).ok()?.flatten() {
            // One that is closed meanwhile has no name.
            match fs::read_link(open.path()) {
                Ok(name) if name.to_string_lossy().starts_with("pipe:") => weight.pipes += 1,
                Ok(_) => weight.descriptors += 1,
                Err(_) => {}
            }
        }
        Some(weight)
    }

    /// Ends it as a service manager does, and waits until its log has been read to the end.
    pub(crate) fn stop(&mut self) -> Result<ExitStatus, Failure> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("{} does not end", self.name).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        for reader in self.readers.drain(..) {
            reader
                .join()
                .map_err(|_| io::Error::other("a reader panicked"))?;
        }
        Ok(status)
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
