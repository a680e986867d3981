//! Servers of TLS before 1.2: OpenSSL's own.

use std::net::SocketAddr;
use std::process::{Child, Stdio};

use super::Lab;
use crate::{deadline, program, raw};

/// A running `openssl s_server`; dropping it ends it.
#[derive(Debug)]
pub struct OldServer {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

// === impl OldServer ===

impl OldServer {
    /// Starts one that speaks what these options say, such as `-tls1`. Ask for the program first.
    ///
    /// `None`, said loudly, when this OpenSSL cannot: some are built without old versions.
    ///
    /// # Panics
    ///
    /// When `openssl` is missing.
    pub fn start(lab: &Lab, options: &[&str]) -> Option<Self> {
        let (certificate, key) = lab.pki.rsa_files();
        let address = raw::closed_port();
        let mut command = program::command("openssl", lab.directory());
        command
            .args([
                "s_server",
                "-quiet",
                "-www",
                "-accept",
                &address.to_string(),
            ])
            .arg("-cert")
            .arg(certificate)
            .arg("-key")
            .arg(key)
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("openssl starts");
        let listens = deadline::until("openssl s_server listens", || {
            let gone = child.try_wait().expect("our own child").is_some();
            let open = std::net::TcpStream::connect(address).is_ok();
            (gone || open).then_some(open)
        });
        if !listens {
            program::unable(&format!("openssl s_server does not know {options:?}"));
            return None;
        }
        Some(Self { address, child })
    }
}

impl Drop for OldServer {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
