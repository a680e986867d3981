//! [`Setup`]: how to start a proxy.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::Proxy;
use crate::binary::PROXY;
use crate::deadline;

/// How to start a proxy.
#[derive(Debug, Default)]
pub struct Setup {
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    config: Option<String>,
    descriptors: Option<u32>,
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
        self.environment.push((name.to_owned(), value.into()));
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
    pub const fn descriptors(mut self, limit: u32) -> Self {
        self.descriptors = Some(limit);
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
        proxy.idle_descriptors = proxy.descriptors_but_pipes();
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
            .arg(directory.join("log"));
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
        let address = deadline::until("the proxy says where it listens", || {
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

    fn command(&self, directory: &Path) -> Command {
        let mut command = match self.descriptors {
            None => Command::new(&*PROXY),
            Some(limit) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &format!("ulimit -n {limit} && exec \"$0\" \"$@\"")]);
                shell.arg(&*PROXY);
                shell
            }
        };
        command
            .env_clear()
            // The machine's own configuration and runtime directory are no part of a test.
            .env("NARROWS_CONFIG", "")
            .env("NARROWS_ADMIN", "off")
            .env(
                "RUNTIME_DIRECTORY",
                std::env::temp_dir().join("narrows-tests"),
            )
            .envs(self.environment.clone())
            .args(&self.arguments);
        if let Some(text) = &self.config {
            let file = directory.join("config.toml");
            std::fs::write(&file, text).expect("a writable directory");
            command.arg("--config").arg(file);
        }
        command
    }
}
