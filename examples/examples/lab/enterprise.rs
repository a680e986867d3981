//! The enterprise: a proxy that lets listed names pass and logs like Squid, and the firewall behind it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use narrows_connect::{ProxyError, Refusal};
use narrows_endpoint::{Route, Target};
use narrows_log::ConnId;
use narrows_server::{Action, Drained, Egress, Ended, Observe, Opened, Refused, Server, Settings};
use narrows_upstream::{Dialer, StaticResolver, Timeouts};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Failure;
use crate::firewall::{self, Firewall};
use crate::names::{BOOTSTRAP, CARRIED};
use crate::outside::Outside;
use crate::story::Allowed;

/// The enterprise's proxy and firewall, until they are closed.
pub(crate) struct Enterprise {
    /// Where the proxy listens.
    pub(crate) address: SocketAddr,
    log: Arc<AccessLog>,
    serving: JoinHandle<Drained>,
    stop: oneshot::Sender<()>,
    firewall: Firewall,
}

impl Enterprise {
    /// Opens both. All names that the proxy resolves lead to the firewall.
    pub(crate) async fn open(
        proxy: Allowed,
        firewall: Allowed,
        outside: &Outside,
    ) -> Result<Self, Failure> {
        let gateway = outside.gateway.host().to_string();
        let names = BOOTSTRAP
            .into_iter()
            .chain(CARRIED)
            .chain([gateway.as_str()]);
        let mut resolver = StaticResolver::new();
        for name in names {
            resolver = resolver.with(name.parse()?, [firewall::ADDRESS]);
        }
        let listed = list(proxy, outside);
        let policy = move |target: &Target| match listed.contains(&target.host().to_string()) {
            true => Action::forward(Route::Direct),
            false => Action::Refuse(Refusal {
                error: Some(ProxyError::HttpRequestDenied),
                ..Refusal::new(403, format!("{target} is not on the list"))
            }),
        };
        let egress = Egress::new(Dialer::new(resolver, Timeouts::default()));
        let mut settings = Settings::default();
        "enterprise".clone_into(&mut settings.name);
        settings.drain = Duration::from_secs(5);
        let log = Arc::new(AccessLog::default());
        let server = Server::new(policy, egress, Arc::clone(&log), settings);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = async move {
            let end = async { drop(stopped.await) };
            server.serve(vec![listener], end).await
        };
        Ok(Self {
            address,
            log,
            serving: tokio::spawn(serving),
            stop,
            firewall: Firewall::open(list(firewall, outside), outside).await?,
        })
    }

    /// Waits for the open tunnels, and gives the log.
    pub(crate) async fn close(self) -> Result<Vec<String>, Failure> {
        drop(self.stop);
        self.serving.await?;
        self.firewall.close().await;
        let lines = self.log.lines.lock();
        Ok(lines.unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// The names on a list.
fn list(allowed: Allowed, outside: &Outside) -> Vec<String> {
    let more = match allowed {
        Allowed::Nothing => Vec::new(),
        Allowed::Everything => CARRIED.map(ToOwned::to_owned).to_vec(),
        Allowed::Gateway => vec![outside.gateway.host().to_string()],
    };
    BOOTSTRAP
        .map(ToOwned::to_owned)
        .into_iter()
        .chain(more)
        .collect()
}

/// The name that a line of the access log is about.
pub(crate) fn name(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(" CONNECT ")?;
    Some(rest.split_once(':')?.0)
}

/// Squid's native format: `epoch.ms elapsed client result/status octets CONNECT target - way/address -`.
#[derive(Default)]
struct AccessLog {
    lines: Mutex<Vec<String>>,
    open: Mutex<HashMap<ConnId, (Instant, SocketAddr)>>,
}

impl AccessLog {
    fn line(&self, elapsed: Duration, client: SocketAddr, rest: &str) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let line = format!(
            "{}.{:03} {:6} {} {rest} -",
            now.as_secs(),
            now.subsec_millis(),
            elapsed.as_millis(),
            client.ip()
        );
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }
}

impl Observe for AccessLog {
    fn opened(&self, opened: &Opened<'_>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert(opened.asked.id, (Instant::now(), opened.peer));
    }

    fn ended(&self, ended: &Ended<'_>) {
        let asked = ended.asked;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((since, peer)) = open.remove(&asked.id) else {
            return;
        };
        let (octets, target, ip) = (ended.received, &asked.target, peer.ip());
        let rest = format!("TCP_TUNNEL/200 {octets} CONNECT {target} - HIER_DIRECT/{ip}");
        self.line(since.elapsed(), asked.client, &rest);
    }

    fn refused(&self, refused: &Refused<'_>) {
        let result = match refused.status {
            403 => "TCP_DENIED",
            _ => "NONE_NONE",
        };
        let (status, target) = (refused.status, refused.target);
        let rest = format!("{result}/{status} 0 CONNECT {target} - HIER_NONE/-");
        self.line(Duration::ZERO, refused.client, &rest);
    }
}
