//! `narrows-proxy` itself: built if need be, started on a free port, watched from outside.

mod setup;

use std::net::SocketAddr;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};

use narrows_log::Record;
use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::deadline;
use crate::raw::{End, Head, Raw};
use crate::traffic::{self, Told};
use crate::vitals::Vitals;

pub use setup::Setup;

/// A target that is refused for its missing port, and that nobody else asks for.
const MARKER: &str = "marker.test";

/// A running proxy; dropping it kills it.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    directory: TempDir,
    said: Arc<Mutex<String>>,
    idle_descriptors: usize,
    setup: Setup,
}

impl Proxy {
    /// A proxy without any configuration: everything but the catalogue goes direct.
    pub fn direct() -> Self {
        Setup::new().start()
    }

    /// A proxy with this upstream.
    pub fn through(url: impl Into<String>) -> Self {
        Setup::new().flag("proxy", url).start()
    }

    /// The proxy as clients name it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Connects to it.
    pub fn connect(&self) -> Raw {
        Raw::connect(self.address)
    }

    /// Opens a tunnel.
    ///
    /// # Panics
    ///
    /// When the answer is not 200.
    pub fn tunnel(&self, target: &str) -> Raw {
        let mut client = self.connect();
        client.send(connect_head(target));
        let head = client.head();
        assert_eq!(head.status(), 200, "{}", head.as_str());
        client
    }

    /// Sends octets and gives the whole answer up to the end of the connection.
    ///
    /// # Panics
    ///
    /// When the connection does not end after the answer, or ends with RST.
    pub fn ask(&self, request: impl AsRef<[u8]>) -> (Head, String) {
        let mut client = self.connect();
        // What is refused early may be refused before it is all sent.
        let _ = client.try_send(request);
        let end = client.end();
        let text = end.text();
        assert!(matches!(end, End::Eof(_)), "reset after {text:?}");
        let (head, body) = Head::split(&text);
        (head, body.to_owned())
    }

    /// Every line of the log so far, in order.
    ///
    /// # Panics
    ///
    /// When a line is none of the log's own forms.
    pub fn records(&self) -> Vec<Record> {
        let text = self.log();
        // The last line may be half written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let parse = |line: &str| {
            line.parse()
                .unwrap_or_else(|error| panic!("{error}: {line}"))
        };
        whole.lines().map(parse).collect()
    }

    /// The log as it is.
    pub fn log(&self) -> String {
        let file = self.setup.log_in(self.directory.path());
        std::fs::read_to_string(file).unwrap_or_default()
    }

    /// Waits until the log tells the end of `count` requests, and gives them in the order in which
    /// they ended.
    ///
    /// # Panics
    ///
    /// When there are fewer in time, or more.
    pub fn finished(&self, count: usize) -> Vec<Told> {
        let told = deadline::until(&format!("{count} requests in the log"), || {
            let told = traffic::finished(&self.records());
            (told.len() >= count).then_some(told)
        });
        assert_eq!(told.len(), count, "{}", self.log());
        told
    }

    /// Waits until every request of a client that has gone is in the log, and ended: for programs
    /// that connect as often as they like.
    ///
    /// # Panics
    ///
    /// When one goes on, or there was none.
    pub fn settled(&self) -> Vec<Told> {
        // The log is written behind the proxy's back, in order: what was asked before this refusal
        // stands before it.
        self.ask(connect_head(MARKER));
        let told = deadline::until("every request in the log ends", || {
            traffic::before(&self.records(), MARKER)
        });
        assert!(!told.is_empty(), "nobody asked for anything");
        told
    }

    /// Waits for the end of the one request there was.
    ///
    /// # Panics
    ///
    /// As [`Proxy::finished`].
    pub fn only(&self) -> Told {
        self.finished(1).remove(0)
    }

    /// Descriptors that it holds.
    pub fn descriptors(&self) -> usize {
        self.vitals().descriptors()
    }

    /// What the system tells of its process.
    pub fn vitals(&self) -> Vitals {
        Vitals::of(self.child.id())
    }

    /// Waits until it holds no more descriptors than when it was started.
    ///
    /// # Panics
    ///
    /// When it keeps some.
    pub fn settle(&self) {
        deadline::until("descriptors go back to those of an idle proxy", || {
            (self.vitals().descriptors_but_pipes() <= self.idle_descriptors).then_some(())
        });
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

    /// Starts it again after [`Proxy::kill`], at the same address.
    ///
    /// # Panics
    ///
    /// When it ends or is silent instead of serving.
    pub fn restart(&mut self) {
        let (child, said, address) = self.setup.serve(self.directory.path(), self.address);
        assert_eq!(address, self.address);
        (self.child, self.said) = (child, said);
    }

    /// What it said on standard error.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn said(&self) -> String {
        self.said.lock().expect("no panics").clone()
    }

    /// Gives it another configuration file, as an editor that renames does, and tells it to read that.
    ///
    /// # Panics
    ///
    /// When it was started without one.
    pub fn reconfigure(&self, toml: &str) {
        let file = self.directory.path().join(setup::CONFIG);
        assert!(file.exists(), "it has no configuration file");
        let beside = file.with_extension("new");
        std::fs::write(&beside, toml).expect("a writable directory");
        std::fs::rename(&beside, &file).expect("a writable directory");
        self.signal(Signal::HUP);
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// When it is gone.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"));
        rustix::process::kill_process(pid.expect("not 0"), signal).expect("alive");
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// When it goes on.
    pub fn wait(&mut self) -> ExitStatus {
        let child = &mut self.child;
        deadline::until("the proxy ends", || {
            child.try_wait().expect("our own child")
        })
    }

    /// Ends it as a service manager does, and expects that nothing was open: every test may finish
    /// with this, to see that the proxy lives, holds nothing and ends cleanly.
    ///
    /// # Panics
    ///
    /// When a descriptor is left, or the exit code is not 0.
    pub fn stop(mut self) {
        self.settle();
        self.signal(Signal::TERM);
        let status = self.wait();
        assert!(status.success(), "{status}\n{}", self.said());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            #[expect(
                clippy::print_stderr,
                reason = "a failed test shows what the proxy saw"
            )]
            {
                eprintln!(
                    "--- the proxy said\n{}--- its log\n{}",
                    self.said(),
                    self.log()
                );
            }
        }
    }
}

/// The head of a CONNECT as most clients send it.
pub fn connect_head(target: &str) -> String {
    format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n")
}
