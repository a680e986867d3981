//! Who is measured, and how each is started.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use narrows_benches::machine::installed;

use crate::Failure;
use crate::bed::Bed;
use crate::configurations::{envoy, haproxy, squid, tinyproxy};
use crate::process::Process;
use crate::relay;

/// One that can be started.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    program: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Envoy,
    Haproxy { splice: bool },
    Narrows,
    Reference(&'static str),
    Squid,
    Tinyproxy,
}

/// One that runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) entry: SocketAddr,
    /// It passes CONNECT on, and the target answers it.
    pub(crate) passes_connect: bool,
}

const PEERS: [(&str, &str, Kind); 5] = [
    ("squid", "squid", Kind::Squid),
    ("haproxy", "haproxy", Kind::Haproxy { splice: false }),
    ("haproxy-splice", "haproxy", Kind::Haproxy { splice: true }),
    ("tinyproxy", "tinyproxy", Kind::Tinyproxy),
    ("envoy", "envoy", Kind::Envoy),
];

/// Everybody who can take part, and the names of those who are not installed.
pub(crate) fn all(narrows: PathBuf) -> Result<(Vec<Peer>, Vec<&'static str>), Failure> {
    let this = std::env::current_exe()?;
    let own = [
        ("narrows-proxy", narrows, Kind::Narrows),
        ("splice", this.clone(), Kind::Reference(relay::SPLICE)),
        ("lazy", this, Kind::Reference(relay::LAZY)),
    ];
    let mut peers: Vec<Peer> = own
        .into_iter()
        .map(|(name, program, kind)| Peer {
            name,
            program,
            kind,
        })
        .collect();
    let mut missing = Vec::new();
    for (name, program, kind) in PEERS {
        match installed(program) {
            Some(program) => peers.push(Peer {
                name,
                program,
                kind,
            }),
            None => missing.push(name),
        }
    }
    Ok((peers, missing))
}

impl Peer {
    /// What it says of its version; what it is, where it is a part of this program.
    pub(crate) fn version(&self) -> Option<String> {
        let flag = match self.kind {
            Kind::Reference(_) => return Some("(a bare relay)".to_owned()),
            Kind::Envoy | Kind::Narrows => "--version",
            Kind::Haproxy { .. } | Kind::Squid | Kind::Tinyproxy => "-v",
        };
        let output = Command::new(&self.program).arg(flag).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut numbers = text
            .split_whitespace()
            .filter(|word| word.contains('.') && word.contains(|c: char| c.is_ascii_digit()));
        Some(numbers.next()?.to_owned())
    }

    /// More tunnels than these make no sense: a thread for each of them.
    pub(crate) fn most_tunnels(&self) -> usize {
        if self.kind == Kind::Tinyproxy {
            400
        } else {
            usize::MAX
        }
    }

    /// Starts it on the proxies' core.
    pub(crate) fn start(&self, bed: &Bed) -> Result<Running, Failure> {
        let mut command = Command::new(&self.program);
        let file = |end: &str| bed.home().join(format!("{}.{end}", self.name));
        match self.kind {
            Kind::Narrows => {
                // What the user's own environment sets is not the default configuration.
                command
                    .env_clear()
                    .args(["--listen", "127.0.0.1:0", "--log"])
                    .arg(file("log"));
                return says(&mut command, bed);
            }
            Kind::Reference(role) => {
                command.env_clear().arg(role);
                return says(&mut command, bed);
            }
            _ => {}
        }
        let entry = free()?;
        let port = entry.port();
        let text = match self.kind {
            Kind::Envoy => envoy(port),
            Kind::Haproxy { splice } => haproxy(port, bed.descriptors, splice),
            Kind::Squid => squid(port, bed.descriptors),
            _ => tinyproxy(port),
        };
        let config = file(if self.kind == Kind::Envoy {
            "yaml"
        } else {
            "conf"
        });
        fs::write(&config, text)?;
        match self.kind {
            Kind::Envoy => {
                let flags = [
                    "--concurrency",
                    "1",
                    "-l",
                    "off",
                    "--use-dynamic-base-id",
                    "-c",
                ];
                command.args(flags)
            }
            Kind::Haproxy { .. } => command.args(["-db", "-f"]),
            Kind::Squid => command.args(["-N", "-f"]),
            _ => command.args(["-d", "-c"]),
        };
        let process = Process::told(command.arg(&config), entry, &bed.cores)?;
        let passes_connect = matches!(self.kind, Kind::Haproxy { .. });
        Ok(Running {
            process,
            entry,
            passes_connect,
        })
    }
}

fn says(command: &mut Command, bed: &Bed) -> Result<Running, Failure> {
    let (process, entry) = Process::that_says(command, &bed.cores)?;
    Ok(Running {
        process,
        entry,
        passes_connect: false,
    })
}

/// A port that is free just now: the peers do not say which one they were given.
fn free() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// `narrows-proxy` as `cargo build --release` makes it; not as a part of this program, whose
/// dependencies have more features.
pub(crate) fn build() -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let flags = [
        "build",
        "--release",
        "-p",
        "narrows-proxy",
        "--bin",
        "narrows-proxy",
    ];
    let built = Command::new(cargo).args(flags).status()?;
    if !built.success() {
        return Err("narrows-proxy does not build".into());
    }
    // This program is in `deps`, beside which the programs lie.
    let this = std::env::current_exe()?;
    let directory = this.ancestors().nth(2).unwrap_or_else(|| Path::new("."));
    Ok(directory.join("narrows-proxy"))
}
