//! [`Machine`]: this machine's proxy, of the pieces that narrows-proxy is made of.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use narrows_endpoint::{Catalogue, Level, Route, Routes, RuleSet, Source};
use narrows_log::{Options, Timestamp, Writer};
use narrows_server::{Drained, Egress, FallbackTo, Server, Settings, TunnelLog};
use narrows_upstream::{
    Dialer, Gateway, GatewayConfig, GatewayCredentials, Protocol, StaticResolver, Timeouts,
    Upstream,
};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Failure;
use crate::outside::Outside;
use crate::paper::Paper;

/// This machine's proxy, until it is stopped.
pub(crate) struct Machine {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    log: Paper,
    serving: JoinHandle<Drained>,
    stop: oneshot::Sender<()>,
    writer: Writer,
}

impl Machine {
    /// Starts it with the enterprise proxy, and with the gateway if there is a protocol for it.
    pub(crate) async fn start(
        enterprise: SocketAddr,
        protocol: Option<Protocol>,
        outside: &Outside,
    ) -> Result<Self, Failure> {
        let upstream = Arc::new(Upstream::new(format!("http://{enterprise}").parse()?));
        // Nothing is resolved here: this machine may know no name outside.
        let dialer = Dialer::new(StaticResolver::new(), Timeouts::default());
        let mut egress = Egress::new(dialer)
            .with_upstream(Arc::clone(&upstream))
            .with_fallback(FallbackTo::Nothing);
        if let Some(protocol) = protocol {
            let config = GatewayConfig::new(outside.gateway.clone())
                .with_upstream(upstream)
                .with_protocol(protocol)
                .with_credentials(GatewayCredentials::Bearer(outside.token.parse()?))
                .with_authorities(&outside.gateway_authority)?;
            egress = egress.with_gateway(Arc::new(Gateway::new(config)?));
        }
        let log = Paper::default();
        let writer = Writer::spawn(log.clone(), Options::default())?;
        let observer = TunnelLog::new(writer.handle(), Box::new(now));
        let rules = rules(protocol.is_some(), outside)?;
        let server = Server::new(rules, egress, observer, Settings::default());
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
            writer,
        })
    }

    /// Drains it, which ends the sessions with the gateway too, and gives the log.
    pub(crate) async fn stop(self) -> Result<Vec<String>, Failure> {
        drop(self.stop);
        self.serving.await?;
        self.writer.shutdown(Duration::from_secs(5))?;
        Ok(self.log.lines())
    }
}

/// The built-in catalogue, with the services' port for the real one. Without a gateway nothing is carried.
fn rules(gateway: bool, outside: &Outside) -> Result<RuleSet, Failure> {
    let routes = Routes {
        never: Route::Proxy,
        default: Route::Proxy,
    };
    let catalogue = Catalogue::built_in();
    let source = |group: &str| Source::Catalogue {
        group: group.into(),
        date: catalogue.date(),
    };
    let mut rules = RuleSet::builder(routes);
    for row in catalogue.never_gateway() {
        rules = rules.rule(Level::Never, row.pattern.clone(), source("never-gateway"));
    }
    for pattern in catalogue.carried().filter(|_| gateway) {
        let pattern = pattern.to_string();
        if let Some(name) = pattern.strip_suffix(":443") {
            let here = format!("{name}:{}", outside.port);
            rules = rules.text(Level::Carried, &here, source("arc-gateway-carried"))?;
        }
    }
    Ok(rules.build()?)
}

fn now() -> Timestamp {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::new(i64::try_from(now.as_millis()).unwrap_or(i64::MAX), 0)
}
