//! [`Setup`]: how to start a proxy.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

use super::Proxy;
use crate::binary::PROXY;
use crate::deadline;
use crate::launch::Launch;

/// The configuration file, in the proxy's own directory.
pub(super) const CONFIG: &str = "config.toml";

/// How to start a proxy.
#[derive(Debug, Default)]
pub struct Setup {
    arguments: Vec<String>,
    config: Option<String>,
    launch: Launch,
    log: Option<PathBuf>,
    patience: Option<Duration>,
}

impl Setup {
    /// A proxy without any configuration but a free port and a log file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `--name value`.
    #[must_use]
    pub fn flag(mut self, name: &str, value: impl Into<String>) -> Self {
        self.arguments.extend([format!("--{name}"), value.into()]);
        self
    }

    /// Sets a variable of its environment, which is empty otherwise.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.launch = self.launch.env(name, value);
        self
    }

    /// Gives it a configuration file with this text.
    #[must_use]
    pub fn config(mut self, toml: impl Into<String>) -> Self {
        self.config = Some(toml.into());
        self
    }

    /// Lets it have no more than this many descriptors, and no right to raise the limit.
    #[must_use]
    pub fn descriptors(mut self, limit: u32) -> Self {
        self.launch = self.launch.descriptors(limit);
        self
    }

    /// Starts it like that; takes the place of variables and limits that were set before.
    #[must_use]
    pub fn launch(mut self, launch: Launch) -> Self {
        self.launch = launch;
        self
    }

    /// Puts its log there, not into its own directory.
    #[must_use]
    pub fn log(mut self, file: impl Into<PathBuf>) -> Self {
        self.log = Some(file.into());
        self
    }

    /// Waits so long for it to listen: for one that has much to read before.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Starts it and waits for the line with its address.
    ///
    /// # Panics
    ///
    /// When it ends or is silent instead; the message has what it said.
    pub fn start(self) -> Proxy {
        let directory = TempDir::new().expect("a temporary directory");
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let (child, said, address) = self.serve(directory.path(), free);
        let mut proxy = Proxy {
            address,
            child,
            directory,
            said,
            idle_descriptors: 0,
            setup: self,
        };
        proxy.idle_descriptors = proxy.vitals().descriptors_but_pipes();
        proxy
    }

    /// Starts it in a directory and waits for the line with its address.
    pub(super) fn serve(
        &self,
        directory: &Path,
        listen: SocketAddr,
    ) -> (Child, Arc<Mutex<String>>, SocketAddr) {
        let mut command = self.command(directory);
        command
            .args(["--listen", &listen.to_string()])
            .arg("--log")
            .arg(self.log_in(directory));
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the proxy starts");
        let said = Arc::new(Mutex::new(String::new()));
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let listener = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                *listener.lock().expect("no panics") += &(line + "\n");
            }
        });
        let patience = self.patience.unwrap_or(deadline::PATIENCE);
        let address = deadline::within(patience, "the proxy says where it listens", || {
            let gone = child.try_wait().expect("our own child");
            let said = said.lock().expect("no panics").clone();
            assert!(gone.is_none(), "the proxy ended: {gone:?}\n{said}");
            said.lines()
                .find_map(|line| line.split_once("listening on ")?.1.trim().parse().ok())
        });
        (child, said, address)
    }

    /// Runs it to its end, which is expected to come by itself.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn output(self, arguments: &[&str]) -> Output {
        let directory = TempDir::new().expect("a temporary directory");
        let mut command = self.command(directory.path());
        command
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the proxy starts")
    }

    /// Where its log is, if its own directory is this one.
    pub(super) fn log_in(&self, directory: &Path) -> PathBuf {
        let own = || directory.join("log");
        self.log.clone().unwrap_or_else(own)
    }

    fn command(&self, directory: &Path) -> Command {
        // The machine's own configuration and runtime directory are no part of a test.
        let runtime = std::env::temp_dir().join("narrows-tests");
        let mut command = self.launch.command(&PROXY);
        command
            .env("NARROWS_CONFIG", "")
            .env("NARROWS_ADMIN", "off")
            .env("RUNTIME_DIRECTORY", runtime)
            .args(&self.arguments);
        if let Some(text) = &self.config {
            let file = directory.join(CONFIG);
            std::fs::write(&file, text).expect("a writable directory");
            command.arg("--config").arg(file);
        }
        command
    }
}
