//! A server program of the system, on a port of its own, that ends with the test.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};

use tempfile::TempDir;

use crate::deadline;
use crate::program;
use crate::raw;
use crate::tls::Tls;

/// A running server; dropping it kills it.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    _directory: TempDir,
}

// === impl Server ===

impl Server {
    /// microsocks, a SOCKS5 proxy, without or with user and password.
    ///
    /// # Panics
    ///
    /// When it is not installed or does not listen.
    pub fn microsocks(login: Option<(&str, &str)>) -> Self {
        Self::start("microsocks", |address, _| {
            let mut arguments = vec![
                "-i".to_owned(),
                address.ip().to_string(),
                "-p".to_owned(),
                address.port().to_string(),
            ];
            if let Some((user, password)) = login {
                let login = ["-u", user, "-P", password].map(str::to_owned);
                arguments.extend(login);
            }
            arguments
        })
    }

    /// HAProxy, which takes TLS as `localhost` off and passes what is inside on to a proxy.
    ///
    /// # Panics
    ///
    /// When it is not installed or does not listen.
    pub fn haproxy(tls: &Tls, to: SocketAddr) -> Self {
        Self::start("haproxy", |address, directory| {
            let pem = [&tls.certificate_file, &tls.key_file]
                .map(|file| std::fs::read_to_string(file).expect("a readable file"));
            let pair = directory.join("pair.pem");
            std::fs::write(&pair, pem.concat()).expect("a writable directory");
            let file = directory.join("haproxy.cfg");
            let config = format!(
                "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n\
                 frontend tls\n bind {address} ssl crt {} alpn http/1.1\n default_backend proxy\n\
                 backend proxy\n server proxy {to}\n",
                pair.display()
            );
            std::fs::write(&file, config).expect("a writable directory");
            vec![
                "-db".to_owned(),
                "-f".to_owned(),
                file.display().to_string(),
            ]
        })
    }

    fn start(name: &str, arguments: impl FnOnce(SocketAddr, &Path) -> Vec<String>) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let address = raw::closed_port();
        let mut command = program::command(name, directory.path());
        command
            .args(arguments(address, directory.path()))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("it runs");
        deadline::until(&format!("{name} listens"), || {
            let gone = child.try_wait().expect("our own child");
            assert!(gone.is_none(), "{name} ended: {gone:?}");
            TcpStream::connect(address).ok()
        });
        Self {
            address,
            child,
            _directory: directory,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
