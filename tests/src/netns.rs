//! Network namespaces: hosts of a test's own, with addresses, rules and a cable that are nobody else's.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::program;

/// A host of its own, which ends with the value.
#[derive(Debug)]
pub struct Host {
    name: String,
}

impl Host {
    /// A host with nothing but loopback; `None`, and loudly, where the machine has no such thing.
    ///
    /// # Panics
    ///
    /// When the programs that it takes are not installed, and are required to be.
    pub fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if !rustix::process::geteuid().is_root() {
            program::unable("it takes root");
            return None;
        }
        if !program::installed(&["ip", "nft", "tc"]) {
            return None;
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("narrows-{}-{number}", std::process::id());
        let output = tool("ip").args(["netns", "add", &name]).output();
        let output = output.expect("ip runs");
        if !output.status.success() {
            program::unable(&program::describe(&output));
            return None;
        }
        let host = Self { name };
        host.ip("link set lo up");
        Some(host)
    }

    /// Two hosts with a cable between them: the first is `10.77.0.1`, the second `10.77.0.2`.
    pub fn pair() -> Option<(Self, Self)> {
        let (near, far) = (Self::new()?, Self::new()?);
        near.ip(&format!(
            "link add name wire type veth peer name wire netns {}",
            far.name
        ));
        for (host, address) in [(&near, "10.77.0.1/24"), (&far, "10.77.0.2/24")] {
            host.ip(&format!("address add {address} dev wire"));
            host.ip("link set wire up");
        }
        Some((near, far))
    }

    /// Does work as this host: sockets that it opens, and threads and processes that it starts, stay here.
    ///
    /// # Panics
    ///
    /// When the work does.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let name = thread::current().name().unwrap_or("a test").to_owned();
        thread::scope(|scope| {
            let there = thread::Builder::new().name(name).spawn_scoped(scope, || {
                let host = File::open(format!("/run/netns/{}", self.name)).expect("its file");
                let network = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(host.as_fd(), network).expect("root may enter it");
                work()
            });
            let there = there.expect("a thread").join();
            there.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Runs `ip` on it with these words.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub fn ip(&self, words: &str) {
        let mut ip = tool("ip");
        ip.args(["-n", &self.name]).args(words.split(' '));
        program::run(&mut ip);
    }

    /// Lets it send no faster than this over the cable; more waits in a queue, for so long at most, and what
    /// does not fit there is lost.
    ///
    /// # Panics
    ///
    /// When the system cannot do it.
    pub fn shape(&self, rate: &str, queue: &str) {
        let mut tc = tool("tc");
        tc.args([
            "-n", &self.name, "qdisc", "replace", "dev", "wire", "root", "tbf",
        ]);
        program::run(tc.args(["rate", rate, "burst", "16kb", "latency", queue]));
    }

    /// Has it treat what comes in by these rules of nftables, one a line, and by no others.
    ///
    /// # Panics
    ///
    /// When they are not good.
    pub fn firewall(&self, rules: &str) {
        let mut nft = tool("ip");
        nft.args(["netns", "exec", &self.name, "nft", "-f", "-"]);
        let table = format!(
            "flush ruleset\ntable inet faults {{\nchain input {{\n\
             type filter hook input priority 0\n{rules}\n}}\n}}\n"
        );
        nft.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = nft.spawn().expect("nft runs");
        let stdin = child.stdin.take();
        let written = stdin.expect("piped").write_all(table.as_bytes());
        written.expect("nft reads");
        let output = child.wait_with_output().expect("nft ends");
        assert!(
            output.status.success(),
            "{table}{}",
            program::describe(&output)
        );
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It fails only when somebody else has done so.
        let _ = tool("ip").args(["netns", "delete", &self.name]).status();
    }
}

fn tool(name: &str) -> Command {
    program::command(name, &std::env::temp_dir())
}
