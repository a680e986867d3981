//! A process that is measured: this program in another role, or a peer.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::Failure;

/// How long a process may take to listen.
const START: Duration = Duration::from_secs(10);

/// A running process; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Party {
    child: Child,
}

impl Party {
    /// Starts this program in another role and waits until it says where it listens.
    pub(crate) fn play(role: &str, arguments: &[String]) -> Result<(Self, SocketAddr), Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env_clear().arg(role).args(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut party = Self::start(&mut command)?;
        let stderr = party.child.stderr.take().ok_or("no standard error")?;
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
                return Ok((party, address.trim().parse()?));
            }
            all = all + "\n" + &line;
        }
        Err(format!("{role} does not listen:{all}").into())
    }

    /// Starts any other program.
    pub(crate) fn start(command: &mut Command) -> Result<Self, Failure> {
        let child = command.stdin(Stdio::null()).spawn();
        let child = child.map_err(|error| format!("{command:?}: {error}"))?;
        Ok(Self { child })
    }

    /// The processor time that its threads have used; nothing where there is no `/proc`.
    pub(crate) fn processor(&self) -> Duration {
        let directory = format!("/proc/{}/task", self.child.id());
        let threads = fs::read_dir(directory).into_iter().flatten().flatten();
        let used = threads.filter_map(|thread| -> Option<u64> {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse().ok()
        });
        Duration::from_nanos(used.sum())
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
