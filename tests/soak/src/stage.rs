//! Everything that stands between the clients and the origins.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::journal;
use crate::ledger::{Ledger, Writer};
use crate::party::Party;
use crate::plan::Route;
use crate::traffic::{PATIENCE, Ports};

/// The allocator is to return what is free at once. Else it does when it is next asked for something, so that what
/// a service weighs at rest says what was free when the last client went, and not what is held.
const AT_ONCE: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "0");

/// The services and the enterprise proxy.
#[derive(Debug)]
pub(crate) struct Stage {
    /// Those that are judged, in the order in which they are to end.
    pub(crate) services: Vec<Party>,
    enterprise: Party,
    /// Reaches origins directly, by the enterprise proxy, and by the gateway with HTTP/1.1.
    first: SocketAddr,
    /// By the gateway with HTTP/2, through the enterprise proxy.
    second: SocketAddr,
}

/// What is there before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// Where the services' binaries are.
    pub(crate) binaries: &'a Path,
    /// Where files go.
    pub(crate) directory: &'a Path,
    /// Squid, if it is installed.
    pub(crate) squid: Option<&'a Path>,
}

// === impl Stage ===

impl Stage {
    pub(crate) fn start(place: Place<'_>, ledger: &Ledger) -> Result<Self, Failure> {
        let (enterprise, upstream) = place.enterprise()?;
        let (gateway, gateway_at) = place.gateway(ledger)?;
        let first = format!(
            "[proxy]\nurl = \"http://{upstream}\"\n{}protocol = \"h1\"\nthrough_proxy = false\n",
            gateway_keys(gateway_at)
        );
        let second = format!(
            "[proxy]\nurl = \"http://{upstream}\"\n{}protocol = \"h2\"\nthrough_proxy = true\n",
            gateway_keys(gateway_at)
        );
        let (first, first_at) = place.proxy("proxy-1", &first, ledger)?;
        let (second, second_at) = place.proxy("proxy-2", &second, ledger)?;
        Ok(Self {
            services: vec![first, second, gateway],
            enterprise,
            first: first_at,
            second: second_at,
        })
    }

    /// Where clients ask for this route.
    pub(crate) const fn entry(&self, route: Route) -> SocketAddr {
        match route {
            Route::GatewayH2 => self.second,
            _ => self.first,
        }
    }

    /// Who plays the enterprise proxy.
    pub(crate) const fn enterprise(&self) -> &'static str {
        self.enterprise.name
    }
}

// === impl Place ===

impl Place<'_> {
    /// A real Squid, or another narrows-proxy where there is none.
    fn enterprise(self) -> Result<(Party, SocketAddr), Failure> {
        let Some(squid) = self.squid else {
            let config = "[rules]\ncatalogue = false\n[log]\nfile = \"/dev/null\"\n";
            let mut command = self.service("narrows-proxy", "enterprise", config)?;
            command.args(["--listen", "127.0.0.1:0"]);
            return Party::service("narrows-proxy", &mut command, |_| {});
        };
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let home = self.directory.join("squid");
        fs::create_dir_all(&home)?;
        // Started by root, Squid becomes a user of its own, who must get in here.
        fs::set_permissions(self.directory, fs::Permissions::from_mode(0o755))?;
        fs::set_permissions(&home, fs::Permissions::from_mode(0o777))?;
        let place = home.display();
        let config = format!(
            "http_port {address}\nhttp_access allow all\naccess_log none\ncache deny all\n\
             cache_log {place}/cache.log\ncoredump_dir {place}\nforwarded_for delete\n\
             max_filedescriptors 4096\nnetdb_filename none\npid_filename none\npinger_enable off\n\
             shutdown_lifetime 0 seconds\nvisible_hostname squid.test\n"
        );
        let file = home.join("squid.conf");
        fs::write(&file, config)?;
        let mut command = Command::new(squid);
        command.env_clear().arg("-N").arg("-f").arg(file);
        Ok((Party::told("squid", &mut command, address)?, address))
    }

    fn gateway(self, ledger: &Ledger) -> Result<(Party, SocketAddr), Failure> {
        let home = self.directory.join("gateway");
        let program = self.binaries.join("narrows-gateway");
        let made = Command::new(&program)
            .env_clear()
            .arg("--dir")
            .arg(&home)
            .args(["init", "--allowed-features", "127.128.0.0/9:1024-65535"])
            .output()?;
        if !made.status.success() {
            return Err(format!("narrows-gateway init: {made:?}").into());
        }
        fs::write(home.join("gateway.toml"), self.common("gateway"))?;
        let mut command = Command::new(program);
        command.env_clear().envs([AT_ONCE]).arg("--dir").arg(home);
        command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        let ledger = ledger.clone();
        let log = move |line: &str| journal::enter(&ledger, Writer::Gateway, line);
        Party::service("gateway", &mut command, log)
    }

    fn proxy(
        self,
        name: &'static str,
        ways: &str,
        ledger: &Ledger,
    ) -> Result<(Party, SocketAddr), Failure> {
        let denied = Ports::DENIED;
        let config = format!(
            "{ways}ca_file = {:?}\ntoken_file = {:?}\nfallback = \"none\"\n\
             [rules]\ncatalogue = false\nbypass = [\"127.0.0.0/10\"]\ngateway = [\"127.128.0.0/9\"]\n\
             deny = [\"127.0.0.0/8:{denied}\"]\n{}",
            self.directory.join("gateway/tls/ca.pem"),
            self.directory.join("gateway/trial.token"),
            self.common(name)
        );
        let mut command = self.service("narrows-proxy", name, &config)?;
        command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        let ledger = ledger.clone();
        let log = move |line: &str| journal::enter(&ledger, Writer::Proxy, line);
        Party::service(name, &mut command, log)
    }

    /// A service with this configuration, and nothing else in its environment.
    fn service(self, program: &str, name: &str, config: &str) -> Result<Command, Failure> {
        let file = self.directory.join(name).with_extension("toml");
        fs::write(&file, config)?;
        let mut command = Command::new(self.binaries.join(program));
        command
            .env_clear()
            .envs([AT_ONCE])
            .arg("--config")
            .arg(file);
        Ok(command)
    }

    /// Nobody is closed for being slow, as clients are here on a machine that is busy. The log goes to us, and
    /// to files that rotate, for the first time within the warm-up: a thread that compresses comes with that.
    fn common(self, name: &str) -> String {
        let file: PathBuf = self.directory.join(name).with_extension("log");
        let patience = PATIENCE.as_secs();
        format!(
            "[limits]\nhead_seconds = {patience}\n\
             [[log.sinks]]\nto = \"stdout\"\nformat = \"json\"\n\
             [[log.sinks]]\nto = {file:?}\nrotate_mib = 1\nkeep = 2\ncompress = true\n"
        )
    }
}

/// What both proxies say of the gateway.
fn gateway_keys(at: SocketAddr) -> String {
    format!("[gateway]\nurl = \"https://localhost:{}\"\n", at.port())
}
