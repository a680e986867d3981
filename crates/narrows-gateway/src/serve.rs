//! From listeners to tunnels: accept, shake hands, serve, drain.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use narrows_admin::Watch;
use narrows_server::{Backoff, Drained, Egress, Server, TunnelLog};
use narrows_upstream::{Dialer, window};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::access::AccessLog;
use crate::attempts::Attempts;
use crate::exit::Exit;
use crate::handshake::Handshakes;
use crate::own::Own;
use crate::policy::GatewayPolicy;
use crate::settings::Settings;
use crate::state::State;
use crate::stream::ClientStream;
use narrows_service::notify;
use narrows_service::say::say;
use narrows_service::signals::End;

/// The server and the TLS in front of it.
#[derive(Debug)]
pub struct Front {
    /// The shared proxy server.
    pub server: Server<GatewayPolicy, (Arc<AccessLog>, Option<Arc<Watch>>)>,
    /// Where connections are recorded that come to nothing.
    pub access: Arc<AccessLog>,
    /// TLS.
    pub handshakes: Handshakes,
    /// What an admin listener shows, if there is one.
    pub watch: Option<Arc<Watch>>,
}

/// How serving came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// A second signal, while so many connections were open.
    AtOnce(usize),
    /// Drained, with so many connections cut.
    Drained(usize),
}

// === impl Ending ===

impl Ending {
    /// One line for people and for the log.
    pub fn detail(self) -> String {
        match self {
            Self::AtOnce(open) => {
                format!("at once by a second signal, {open} connections were open")
            }
            Self::Drained(0) => "every connection had ended".to_owned(),
            Self::Drained(cut) => format!("{cut} connections were cut when draining ended"),
        }
    }

    /// What the process tells its parent.
    pub const fn exit(self) -> Exit {
        match self {
            Self::AtOnce(0) | Self::Drained(0) => Exit::Clean,
            Self::AtOnce(_) | Self::Drained(_) => Exit::Cut,
        }
    }
}

// === impl Front ===

impl Front {
    /// Puts a server together. Nothing happens until there are connections.
    ///
    /// `listeners` are the addresses that connections come by, and the admin listener's: they are never
    /// dialled. `watch` is told what the log is told.
    pub fn new(
        settings: &Settings,
        state: &State,
        anonymous: bool,
        dialer: Dialer,
        listeners: Vec<SocketAddr>,
        log: &Arc<TunnelLog>,
        watch: Option<Arc<Watch>>,
    ) -> Self {
        let policy = GatewayPolicy {
            anonymous,
            attempts: Attempts::new(settings.failures),
            gateways: Arc::clone(&state.gateways),
            jwt: state.jwt.clone(),
            lifetime: settings.lifetime,
            own: Arc::new(Own {
                listeners,
                ..settings.own.clone()
            }),
            tls: Arc::clone(&state.tls),
            tokens: Arc::clone(&state.tokens),
        };
        let access = Arc::new(AccessLog::new(Arc::clone(log)));
        let egress = Egress::new(dialer).with_dials(settings.dials);
        let observer = (Arc::clone(&access), watch.clone());
        Self {
            server: Server::new(policy, egress, observer, settings.server.clone()),
            access,
            handshakes: Handshakes::new(
                Arc::clone(&state.tls),
                Arc::clone(&state.gateways),
                settings.handshakes,
                settings.handshake_time,
            ),
            watch,
        }
    }

    /// Serves one connection from its first byte to its last.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection; open tunnels end and write their records.
    pub async fn connection(&self, io: TcpStream, client: SocketAddr) {
        // Small messages must not wait for each other's acknowledgements.
        let _ = io.set_nodelay(true);
        let (mut stream, peer) = match self.handshakes.accept(io).await {
            Ok(accepted) => accepted,
            Err(error) => return self.access.no_handshake(client, &error, &self.watch),
        };
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if h2 {
            let tls = stream.get_mut().1;
            tls.set_buffer_limit(Some(window::TLS_BUFFER));
        }
        let stream = ClientStream(stream);
        if h2 {
            self.server.serve_h2(stream, client, peer).await;
        } else {
            self.server.serve_connection(stream, client, peer).await;
        }
    }
}

/// Serves until `end` is asked for, goes on as not ready and then drains for as long as `settings` say, or
/// until it is asked for again.
///
/// # Cancel safety
///
/// Dropping the future closes listeners and connections.
pub async fn until_asked(
    front: Front,
    listeners: Vec<TcpListener>,
    settings: &narrows_server::Settings,
    mut end: End,
) -> Ending {
    let (unready, drain) = (settings.unready, settings.drain);
    let front = Arc::new(front);
    let server = front.server.clone();
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(Arc::clone(&front), listener, drain));
    }
    end.asked().await;
    notify::stopping("draining", unready + drain);
    say(format_args!(
        "not ready any more, then draining; a second signal ends at once"
    ));
    // The server ends what waits for another request, and the tunnels of HTTP/2 when time is up.
    let mut inner = pin!(server.serve(Vec::new(), std::future::ready(())));
    let outer = async {
        let mut cut = 0;
        while let Some(ended) = accepting.join_next().await {
            cut += ended.unwrap_or_default();
        }
        cut
    };
    let ended = async {
        let (Drained { cut, .. }, more) = tokio::join!(&mut inner, outer);
        cut + more
    };
    tokio::select! {
        cut = ended => Ending::Drained(cut),
        () = end.asked() => Ending::AtOnce(server.connections()),
    }
}

/// Accepts until draining begins, then waits for what it accepted; how many connections it cut.
async fn accept(front: Arc<Front>, listener: TcpListener, drain: Duration) -> usize {
    let mut connections = JoinSet::new();
    let mut backoff = Backoff::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = front.server.draining() => break,
        };
        match accepted {
            Ok((io, client)) => {
                backoff.reset();
                let front = Arc::clone(&front);
                connections.spawn(async move { front.connection(io, client).await });
            }
            Err(error) => backoff.after(&error).await,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(drain, all).await.is_ok() {
        return 0;
    }
    let cut = connections.len();
    connections.shutdown().await;
    cut
}
