//! What stands while the bench runs, and what is put on it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use narrows_benches::machine;
use tempfile::TempDir;

use crate::Failure;
use crate::delay::LongPath;
use crate::leg::Leg;
use crate::party::Party;
use crate::{haproxy, roles, target};

/// The target, a gateway that carries it, and the files that everybody uses.
#[derive(Debug)]
pub(crate) struct Bed {
    pub(crate) target: SocketAddr,
    gateway: Arc<Party>,
    gateway_at: SocketAddr,
    haproxy: Option<PathBuf>,
    home: TempDir,
    one_way: Duration,
}

/// How far it is to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Distance {
    /// No more than loopback.
    Near,
    /// Along the long path.
    Far,
}

impl Bed {
    /// Starts the target and a gateway made by `init`, with nothing but its token and its one rule.
    pub(crate) async fn start(one_way: Duration) -> Result<Self, Failure> {
        let target = target::start().await?;
        let home = TempDir::new()?;
        let directory = home.path().display().to_string();
        let rule = target.to_string();
        let init = ["--dir", &directory, "init", "--allowed-features", &rule];
        let made = Command::new(std::env::current_exe()?)
            .arg(roles::GATEWAY)
            .args(init)
            .status()?;
        if !made.success() {
            return Err("the gateway's init failed".into());
        }
        let log = home.path().join("gateway.log").display().to_string();
        let run = [
            "--dir",
            &directory,
            "--listen",
            "127.0.0.1:0",
            "--log",
            &log,
        ];
        let (gateway, gateway_at) = Party::play(roles::GATEWAY, &run.map(ToOwned::to_owned))?;
        Ok(Self {
            target,
            gateway: Arc::new(gateway),
            gateway_at,
            haproxy: machine::installed("haproxy"),
            home,
            one_way,
        })
    }

    /// Says what is measured on.
    pub(crate) fn introduce(&self) {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let load = machine::load();
        println!("{cores} cores, load {load} at the start");
        println!(
            "congestion control: reno here, {} elsewhere",
            machine::default_congestion()
        );
        match &self.haproxy {
            Some(program) => println!("HAProxy {}", haproxy::version(program)),
            None => println!("NO HAPROXY: it is not installed, and its rows are missing"),
        }
    }

    /// The round trip along the long path.
    pub(crate) fn round_trip(&self) -> Duration {
        2 * self.one_way
    }

    /// `narrows-proxy` with the gateway; the protocol as its configuration names it.
    pub(crate) async fn narrows(
        &self,
        protocol: &'static str,
        distance: Distance,
    ) -> Result<Leg, Failure> {
        let (path, to) = self.path(self.gateway_at, distance).await?;
        let (authorities, token) = ("tls/ca.pem", "trial.token");
        let config = format!(
            "[rules]\ngateway = [\"127.0.0.1\"]\n[gateway]\nurl = \"https://localhost:{}\"\n\
             ca_file = {:?}\ntoken_file = {:?}\nprotocol = \"{protocol}\"\nfallback = \"none\"\n",
            to.port(),
            self.home.path().join(authorities),
            self.home.path().join(token),
        );
        let (proxy, entry) = self.proxy(&config)?;
        Ok(Leg {
            name: format!("narrows {protocol}"),
            entry,
            target: Some(self.target),
            parties: vec![Arc::new(proxy), Arc::clone(&self.gateway)],
            _path: path,
        })
    }

    /// `narrows-proxy` without a gateway.
    pub(crate) fn direct(&self) -> Result<Leg, Failure> {
        let (proxy, entry) = self.proxy("")?;
        Ok(Leg {
            name: "narrows direct".to_owned(),
            entry,
            target: Some(self.target),
            parties: vec![Arc::new(proxy)],
            _path: None,
        })
    }

    /// Nothing but the way to the target.
    pub(crate) async fn bare(&self, distance: Distance) -> io::Result<Leg> {
        let (path, entry) = self.path(self.target, distance).await?;
        Ok(Leg {
            name: "nothing between".to_owned(),
            entry,
            target: None,
            parties: Vec::new(),
            _path: path,
        })
    }

    /// The bare rustls relay pair.
    pub(crate) async fn rustls(&self, distance: Distance) -> Result<Leg, Failure> {
        let file = |name: &str| self.home.path().join(name).display().to_string();
        let (certificate, key) = (file("tls/certificate.pem"), file("tls/key.pem"));
        let far = [self.target.to_string(), certificate, key];
        let (far, far_at) = Party::play(roles::FAR, &far)?;
        let (path, to) = self.path(far_at, distance).await?;
        let near = [to.to_string(), file("tls/ca.pem")];
        let (near, entry) = Party::play(roles::NEAR, &near)?;
        Ok(Leg {
            name: "rustls relay".to_owned(),
            entry,
            target: None,
            parties: vec![Arc::new(near), Arc::new(far)],
            _path: path,
        })
    }

    /// The HAProxy pair, where there is one.
    pub(crate) async fn haproxy(&self, distance: Distance) -> Result<Option<Leg>, Failure> {
        let Some(program) = &self.haproxy else {
            return Ok(None);
        };
        let (far, far_at) = haproxy::far(program, self.home.path(), self.target)?;
        let (path, to) = self.path(far_at, distance).await?;
        let (near, entry) = haproxy::near(program, self.home.path(), to)?;
        Ok(Some(Leg {
            name: "HAProxy".to_owned(),
            entry,
            target: None,
            parties: vec![Arc::new(near), Arc::new(far)],
            _path: path,
        }))
    }

    /// Everybody who carries bytes through TLS and has this in the name; the bare rustls relay first.
    pub(crate) async fn contenders(
        &self,
        distance: Distance,
        name: &str,
    ) -> Result<Vec<Leg>, Failure> {
        let mut legs = vec![
            self.rustls(distance).await?,
            self.narrows("h1", distance).await?,
            self.narrows("h2", distance).await?,
        ];
        legs.extend(self.haproxy(distance).await?);
        legs.retain(|leg| leg.name.contains(name));
        Ok(legs)
    }

    fn proxy(&self, config: &str) -> Result<(Party, SocketAddr), Failure> {
        let mut file = tempfile::Builder::new()
            .suffix(".toml")
            .tempfile_in(self.home.path())?;
        io::Write::write_all(&mut file, config.as_bytes())?;
        let (_, file) = file.keep()?;
        let text = |path: PathBuf| path.display().to_string();
        let log = text(file.with_extension("log"));
        let run = ["--listen", "127.0.0.1:0", "--log", &log, "--config"];
        let mut run: Vec<String> = run.map(ToOwned::to_owned).into();
        run.push(text(file));
        Party::play(roles::PROXY, &run)
    }

    async fn path(
        &self,
        to: SocketAddr,
        distance: Distance,
    ) -> io::Result<(Option<LongPath>, SocketAddr)> {
        match distance {
            Distance::Near => Ok((None, to)),
            Distance::Far => {
                let path = LongPath::open(to, self.one_way).await?;
                let entrance = path.entrance;
                Ok((Some(path), entrance))
            }
        }
    }
}
