//! The laboratory: servers that are broken in one way each, on free ports of loopback, and the
//! certificates that they are broken with.
//!
//! Each is started in one line and serves any number of connections until the test's process ends. All
//! of them are meant to be asked for as [`HOST`].

mod hello;
mod old;
mod pki;
mod tls;
mod upstream;
mod wire;

use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;

use crate::raw::{Peer, Raw};

pub use old::OldServer;
pub use pki::{Chain, Pki};
pub use tls::{Filter, Page, TlsServer};
pub use upstream::Upstream;
pub use wire::Wire;

/// The host that every server of the laboratory is asked for: it resolves to loopback everywhere.
pub const HOST: &str = "localhost";

/// A name that every server with a filter lets through.
pub const ALLOWED: &str = "allowed.example";

/// Servers and the authority behind those that are in order.
#[derive(Debug)]
pub struct Lab {
    /// Its certificates.
    pub pki: Pki,
    directory: TempDir,
}

// === impl Lab ===

impl Lab {
    /// A laboratory with a new authority.
    ///
    /// # Panics
    ///
    /// When there is no temporary directory.
    pub fn new() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        Self {
            pki: Pki::create(directory.path()),
            directory,
        }
    }

    /// Where its files are, for programs that want a home.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts a server that says these octets, or nothing, and no TLS.
    pub fn wire(&self, wire: Wire) -> SocketAddr {
        start(move |raw| wire.serve(raw))
    }

    /// Starts a server that speaks TLS.
    pub fn tls(&self, server: TlsServer) -> SocketAddr {
        let server = server.ready(&self.pki);
        start(move |raw| server.serve(raw))
    }

    /// Starts an upstream proxy that answers every CONNECT like that.
    pub fn upstream(&self, upstream: Upstream) -> SocketAddr {
        start(move |raw| upstream.serve(raw))
    }
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

fn start(script: impl Fn(Raw) + Send + Sync + 'static) -> SocketAddr {
    Peer::start(script).address
}
