//! `narrows-gateway` itself: `init` makes what it needs, it is started on a free port and watched from
//! outside.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use narrows_log::Record;
use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::binary::GATEWAY;
use crate::deadline;
use crate::launch::Launch;
use crate::program;
use crate::traffic::{self, Told};
use crate::vitals::Vitals;

/// The name of the token that `init` issues.
pub const USER: &str = "trial";

/// A running gateway; dropping it kills it.
#[derive(Debug)]
pub struct Gateway {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    directory: TempDir,
    launch: Launch,
    said: Arc<Mutex<String>>,
}

impl Gateway {
    /// Makes one that carries these features, separated by commas, and starts it.
    ///
    /// # Panics
    ///
    /// When it cannot be made, or ends or is silent instead of serving.
    pub fn start(features: &str) -> Self {
        Self::start_with(features, "", Launch::new())
    }

    /// The same with these lines of configuration, started like that.
    ///
    /// # Panics
    ///
    /// As [`Gateway::start`].
    pub fn start_with(features: &str, config: &str, launch: Launch) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let init = ["init", "--allowed-features", features];
        program::run(command(directory.path(), &Launch::new()).args(init));
        let file = directory.path().join("gateway.toml");
        std::fs::write(file, config).expect("a writable directory");
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let (child, said, address) = serve(directory.path(), &launch, free);
        Self {
            address,
            child,
            directory,
            launch,
            said,
        }
    }

    /// Kills it, and with it all that it carries.
    ///
    /// # Panics
    ///
    /// When it has ended already.
    pub fn kill(&mut self) {
        self.child.kill().expect("our own child");
        let status = self.child.wait().expect("our own child");
        assert_eq!(status.code(), None, "it ended by itself: {status}");
    }

    /// Starts it again after [`Gateway::kill`], at the same address.
    ///
    /// # Panics
    ///
    /// When it ends or is silent instead of serving.
    pub fn restart(&mut self) {
        let (child, said, address) = serve(self.directory.path(), &self.launch, self.address);
        assert_eq!(address, self.address);
        (self.child, self.said) = (child, said);
    }

    /// Descriptors that it holds.
    ///
    /// # Panics
    ///
    /// When it is gone.
    pub fn descriptors(&self) -> usize {
        self.vitals().descriptors()
    }

    /// What the system tells of its process.
    pub fn vitals(&self) -> Vitals {
        Vitals::of(self.child.id())
    }

    /// What it said on standard error.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn said(&self) -> String {
        self.said.lock().expect("no panics").clone()
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// When it is gone.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("alive");
    }

    /// Ends it as a service manager does, and expects that nothing has to be cut.
    ///
    /// # Panics
    ///
    /// When the exit code is not 0.
    pub fn stop(mut self) {
        self.signal(Signal::TERM);
        let child = &mut self.child;
        let status = deadline::until("the gateway ends", || {
            child.try_wait().expect("our own child")
        });
        assert!(status.success(), "{status}");
    }

    /// Its host and port as clients name it.
    pub fn authority(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// Its URL as clients name it.
    pub fn url(&self) -> String {
        format!("https://{}", self.authority())
    }

    /// The certificate of the authority that signed its own.
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join("tls/ca.pem")
    }

    /// A file with the token of [`USER`].
    pub fn token_file(&self) -> PathBuf {
        self.directory.path().join("trial.token")
    }

    /// The token of [`USER`].
    ///
    /// # Panics
    ///
    /// Never: `init` has written it.
    pub fn token(&self) -> String {
        let text = std::fs::read_to_string(self.token_file()).expect("written by init");
        text.trim_end().to_owned()
    }

    /// Waits until the access log tells the end of `count` requests, and gives them in the order in
    /// which they ended. Connections that came to nothing in TLS, such as Squid's probes, are no requests.
    ///
    /// # Panics
    ///
    /// When there are fewer in time, or more, or a line is none of the log's own forms.
    pub fn finished(&self, count: usize) -> Vec<Told> {
        let told = deadline::until(&format!("{count} requests in the access log"), || {
            let mut told = traffic::finished(&self.records());
            told.retain(|told| told.id.listener != NO_REQUEST);
            (told.len() >= count).then_some(told)
        });
        assert_eq!(told.len(), count, "{}", self.log());
        told
    }

    /// The access log as it is.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join(LOG)).unwrap_or_default()
    }

    fn records(&self) -> Vec<Record> {
        let text = self.log();
        // The last line may be half written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let parse = |line: &str| {
            line.parse()
                .unwrap_or_else(|error| panic!("{error}: {line}"))
        };
        whole.lines().map(parse).collect()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let said = self.said.lock().map_or_else(
                |poisoned| poisoned.into_inner().clone(),
                |said| said.clone(),
            );
            #[expect(
                clippy::print_stderr,
                reason = "a failed test shows what the gateway saw"
            )]
            {
                eprintln!("--- the gateway said\n{said}--- its log\n{}", self.log());
            }
        }
    }
}

/// Starts it and waits for the line with its address.
fn serve(
    directory: &Path,
    launch: &Launch,
    listen: SocketAddr,
) -> (Child, Arc<Mutex<String>>, SocketAddr) {
    let mut command = command(directory, launch);
    command
        .args(["--listen", &listen.to_string(), "--log", LOG])
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the gateway starts");
    let said = Arc::new(Mutex::new(String::new()));
    let stderr = BufReader::new(child.stderr.take().expect("piped"));
    let listener = Arc::clone(&said);
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            *listener.lock().expect("no panics") += &(line + "\n");
        }
    });
    let address = deadline::until("the gateway says where it listens", || {
        let gone = child.try_wait().expect("our own child");
        let said = said.lock().expect("no panics").clone();
        assert!(gone.is_none(), "the gateway ended: {gone:?}\n{said}");
        said.lines()
            .find_map(|line| line.strip_prefix("listening on ")?.trim().parse().ok())
    });
    (child, said, address)
}

fn command(directory: &Path, launch: &Launch) -> Command {
    let mut command = launch.command(&GATEWAY);
    command
        .env("NARROWS_GATEWAY_DIR", directory)
        .current_dir(directory)
        .stdin(Stdio::null());
    command
}

/// The `P` of connections that came to nothing in TLS.
const NO_REQUEST: u64 = 0;
const LOG: &str = "access.log";
