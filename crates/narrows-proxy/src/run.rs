//! `run`: from settings to a server that listens, until signals end it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use narrows_endpoint::{Route, RuleError, RuleSet, Source, Target};
use narrows_log::{Event, Log};
use narrows_server::{Drained, Egress, FallbackTo, Observe, Phase, Server, TunnelLog};
use narrows_service::clock::LocalClock;
use narrows_service::descriptors;
use narrows_service::listen::ListenError;
use narrows_service::log::{self, Writers};
use narrows_service::memory;
use narrows_service::notify;
use narrows_service::runtime::runtime;
use narrows_service::say::say;
use narrows_service::signals::{self, End};
use narrows_service::sockets::Sockets;
use narrows_upstream::{
    Denied, Dialer, Gateway, GatewayConfig, GatewayConfigError, Judge, Notice, ProxyScheme,
    SystemResolver, Timeouts, Upstream, Upstreams,
};
use tokio::signal::unix::Signal;
use tokio::task::JoinHandle;

use crate::admin::{self, Known};
use crate::exit::Exit;
use crate::explain;
use crate::policy::RulePolicy;
use crate::reload::{Apply, Outcome, Reloader, Sources};
use crate::settings::{self, Settings};

/// How long the log may take for its last lines.
const LAST_LINES: Duration = Duration::from_secs(5);
/// How long tasks may take to be dropped at the end. They do nothing but write their records.
const LAST_TASKS: Duration = Duration::from_secs(1);

/// Why the proxy could not serve. The message has its cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The admin listener cannot be opened.
    #[error(transparent)]
    Admin(#[from] narrows_admin::BindError),
    /// The gateway cannot be used as it is configured.
    #[error("{source}: {error}", source = .named_by)]
    Gateway {
        /// Who named the gateway.
        named_by: Source,
        /// What is wrong.
        error: GatewayConfigError,
    },
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The tunnel log cannot be opened.
    #[error(transparent)]
    Log(#[from] log::OpenError),
    /// The rules make no rule set.
    #[error(transparent)]
    Rules(#[from] RuleError),
    /// An enterprise proxy cannot be used as it is configured.
    #[error("{source}: {error}", source = .named_by)]
    Upstream {
        /// Who named the proxy.
        named_by: Source,
        /// What is wrong.
        error: GatewayConfigError,
    },
    /// The system gives no threads, signals or timers.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

impl RunError {
    /// What to do about it, if that can be known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Gateway { error, .. } => match error {
                GatewayConfigError::KeyMismatch => Some(
                    "gateway.client_key_file must hold the key that gateway.client_certificate_file was made for",
                ),
                GatewayConfigError::Name(_) => {
                    Some("write gateway.url with the name that stands in the gateway's certificate")
                }
                GatewayConfigError::TrustStore(_) => Some(
                    "install the system's CA certificates (on Linux the package ca-certificates)",
                ),
                _ => None,
            },
            Self::Admin(error) => error.hint(),
            Self::Upstream { error, .. } => match error {
                GatewayConfigError::KeyMismatch => Some(
                    "proxy.client_key_file must hold the key that proxy.client_certificate_file was made for",
                ),
                GatewayConfigError::TrustStore(_) => Some(
                    "install the system's CA certificates (on Linux the package ca-certificates)",
                ),
                _ => None,
            },
            Self::Listen(error) => error.hint(),
            _ => None,
        }
    }

    /// Settings that cannot be are wrong usage; everything else is a failure to serve.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Gateway { .. } | Self::Upstream { .. } => Exit::Usage,
            _ => Exit::Failure,
        }
    }
}

/// Serves until a signal ends it; `sources` gave the settings, and are read again when they change.
///
/// # Errors
///
/// What kept it from serving. Once it serves, nothing but signals ends it.
pub fn run(mut settings: Settings, sources: Sources) -> Result<Exit, RunError> {
    memory::keep_freed();
    let sockets = Sockets::passed_or(&settings.listen)?;
    let descriptors = descriptors::raise_descriptors();
    if let Some(warning) = descriptors::shortage(descriptors, settings.server.tunnels) {
        say(format_args!("warning: {warning}"));
    }
    settings.server.tunnels = descriptors::tunnels(descriptors, settings.server.tunnels);
    let ways = ways(&settings, None)?;
    let policy = RulePolicy::new(&settings)?;
    let writer = log::open(&settings.log, "narrows-proxy")?;
    let clock = LocalClock::system();
    let log = TunnelLog::new(writer.handle(), Box::new(move || clock.now()));
    let log = Arc::new(log);

    let runtime = runtime()?;
    let end = runtime.block_on(serve(
        settings, sources, sockets, ways, policy, &writer, &log,
    ))?;
    // Whatever still runs writes its record while it is dropped, before the last line of the log.
    runtime.shutdown_timeout(LAST_TASKS);
    log.write(Event::Stopped {
        detail: end.detail().into(),
    });
    say(format_args!("stopped: {}", end.detail()));
    if let Err(unwritten) = writer.shutdown(LAST_LINES) {
        say(format_args!("warning: {unwritten}"));
    }
    Ok(end.exit())
}

/// How serving came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// A second signal, while so many connections were open.
    AtOnce(usize),
    /// Drained, with so many connections cut.
    Drained(usize),
}

impl Ending {
    fn detail(self) -> String {
        match self {
            Self::AtOnce(open) => {
                let open = connections(open, PAST);
                format!("at once by a second signal, {open} open")
            }
            Self::Drained(0) => "all connections had ended".to_owned(),
            Self::Drained(cut) => format!("{} cut when draining ended", connections(cut, PAST)),
        }
    }

    const fn exit(self) -> Exit {
        match self {
            Self::AtOnce(0) | Self::Drained(0) => Exit::Clean,
            Self::AtOnce(_) | Self::Drained(_) => Exit::Cut,
        }
    }
}

/// What is said of one connection, and of several.
type Verb = [&'static str; 2];
const PAST: Verb = ["was", "were"];
const PRESENT: Verb = ["is", "are"];

fn connections(number: usize, [one, several]: Verb) -> String {
    match number {
        1 => format!("1 connection {one}"),
        _ => format!("{number} connections {several}"),
    }
}

async fn serve(
    settings: Settings,
    sources: Sources,
    sockets: Sockets,
    ways: Ways,
    policy: RulePolicy,
    writer: &Writers,
    log: &Arc<TunnelLog>,
) -> Result<Ending, RunError> {
    let mut end = End::listen()?;
    let hangup = signals::reopen()?;
    let (listeners, mut own) = sockets.listen().await?;
    let settings = Arc::new(settings);
    let watching = admin::watch(&settings);
    let inside = admin::Inside::open(&settings, policy.rules(), &ways, &own, writer).await?;
    let known = inside.as_ref().map(admin::Inside::known);
    admin::say_posture(&settings, log);
    let summary = summary(&settings, policy.rules());
    for &address in &own {
        say(format_args!("listening on {address}"));
        let detail = format!("narrows-proxy {}; {summary}", env!("CARGO_PKG_VERSION"));
        log.write(Event::Started {
            detail: detail.into(),
            listen: address.into(),
        });
    }
    say(format_args!("{summary}"));
    notify::ready(&summary);

    let drain = settings.server.drain;
    own.extend(inside.as_ref().and_then(admin::Inside::tcp));
    let egress = egress(&settings, ways.clone(), own.clone());
    let unready = settings.server.unready;
    let observer = (Arc::clone(log), watching.clone());
    let server = Server::new(policy, egress, observer, settings.server.clone());
    let apply = apply(server.clone(), known.clone());
    let descriptors = descriptors::raise_descriptors();
    let reloader = Reloader::new(sources, &settings, ways, own, descriptors, apply).with_notice();
    if let (Some(inside), Some(watching)) = (inside, watching) {
        let server = server.clone();
        let ready = move || server.phase() == Phase::Serving;
        inside.serve(watching, reloader.subscribe(), ready);
    }
    let watching = watch(reloader, hangup, writer.handle(), Arc::clone(log), known);
    let _watching = AbortOnDrop(tokio::spawn(watching));
    let (first, asked) = tokio::sync::oneshot::channel();
    let mut serving = pin!(server.serve(listeners, async {
        let _ = asked.await;
    }));
    tokio::select! {
        Drained { cut, .. } = &mut serving => return Ok(Ending::Drained(cut)),
        () = end.asked() => {}
    }
    let _ = first.send(());
    notify::stopping("draining", unready + drain);
    if !unready.is_zero() {
        say(format_args!(
            "unready: serving for {} s more; a second signal ends at once",
            unready.as_secs()
        ));
    }
    let drained = async {
        tokio::join!(&mut serving, async {
            server.draining().await;
            say(format_args!(
                "draining: {} open; a second signal ends at once",
                connections(server.connections(), PRESENT)
            ));
        })
        .0
    };
    tokio::select! {
        Drained { cut, .. } = drained => Ok(Ending::Drained(cut)),
        () = end.asked() => Ok(Ending::AtOnce(server.connections())),
    }
}

/// What puts a new configuration in force, and shows it.
fn apply<O: Observe>(server: Server<RulePolicy, O>, known: Option<Arc<Known>>) -> Box<Apply> {
    Box::new(move |policy, egress, settings, ways| {
        if let Some(known) = &known {
            known.show(settings, policy.rules(), ways);
        }
        server.reload(policy, egress, settings.server.clone())
    })
}

/// Looks after the configuration; a signal opens the log again too.
async fn watch(
    reloader: Reloader,
    hangup: Signal,
    writer: Log,
    log: Arc<TunnelLog>,
    known: Option<Arc<Known>>,
) {
    let told = move |outcome: &Outcome| {
        if let (Some(known), Outcome::Refused(_)) = (&known, outcome) {
            known.refused();
        }
        let lines = outcome.lines();
        notify::reloaded(lines.first().map_or("nothing has changed", String::as_str));
        for line in lines {
            say(format_args!("{line}"));
            log.write(Event::Note(line.into()));
        }
    };
    let asked = move || {
        notify::reloading();
        writer.reopen();
    };
    Arc::new(reloader).watch(hangup, asked, told).await;
}

/// A task that ends with its owner.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The parties on the ways out.
#[derive(Clone)]
pub(crate) struct Ways {
    /// What the gateway was made of, for whoever makes the next one.
    made_of: Option<(GatewayConfig, Timeouts)>,
    pub(crate) gateway: Option<Arc<Gateway>>,
    pub(crate) upstreams: Option<Arc<Upstreams>>,
}

/// Prepares the parties on the ways out; nothing is contacted. What one way learns about the enterprise
/// proxy's credentials holds for the other too. Parties of `previous` that have not changed stay, with what
/// they know and hold open.
pub(crate) fn ways(settings: &Settings, previous: Option<&Ways>) -> Result<Ways, RunError> {
    let upstreams = upstreams(settings, previous)?;
    let Some(leg) = &settings.gateway.leg else {
        return Ok(Ways {
            made_of: None,
            gateway: None,
            upstreams,
        });
    };
    let config = match &upstreams {
        Some(upstreams) if leg.through_proxy => {
            leg.config.clone().with_upstreams(Arc::clone(upstreams))
        }
        _ => leg.config.clone(),
    };
    let made_of = (config, settings.timeouts);
    let same_way = previous.filter(|old| is_same(old.upstreams.as_ref(), upstreams.as_ref()));
    let gateway = match same_way.and_then(|old| old.same_gateway(&made_of)) {
        Some(gateway) => gateway,
        None => Arc::new(
            Gateway::new(made_of.0.clone()).map_err(|error| RunError::Gateway {
                named_by: leg.source.clone(),
                error,
            })?,
        ),
    };
    Ok(Ways {
        made_of: Some(made_of),
        gateway: Some(gateway),
        upstreams,
    })
}

impl Ways {
    /// The gateway, if it would be made of the same. Its keeper dials with the timeouts that it began with.
    fn same_gateway(&self, (config, timeouts): &(GatewayConfig, Timeouts)) -> Option<Arc<Gateway>> {
        let (old, old_timeouts) = self.made_of.as_ref()?;
        let same = old.is_same_party(config) && old_timeouts == timeouts;
        self.gateway.clone().filter(|_| same)
    }
}

/// Whether both are the same party, or both are none.
fn is_same<T>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        _ => false,
    }
}

/// Whether these are the same parties in the same order.
fn are_same(old: &Upstreams, all: &[Arc<Upstream>]) -> bool {
    old.iter().count() == all.len()
        && old
            .iter()
            .zip(all)
            .all(|(one, other)| Arc::ptr_eq(one, other))
}

/// The enterprise proxies. What becomes of one of several is said on standard error.
fn upstreams(
    settings: &Settings,
    previous: Option<&Ways>,
) -> Result<Option<Arc<Upstreams>>, RunError> {
    let old = previous.and_then(|old| old.upstreams.as_ref());
    let all = settings.upstreams.iter().map(|given| {
        let new = upstream(given)?;
        let known = old.and_then(|old| old.iter().find(|old| old.is_same_party(&new)));
        Ok(known.map_or_else(|| Arc::new(new), Arc::clone))
    });
    let all = all.collect::<Result<Vec<_>, RunError>>()?;
    if let Some(old) = old.filter(|old| are_same(old, &all)) {
        return Ok(Some(Arc::clone(old)));
    }
    let upstreams = Upstreams::new(all).map(|upstreams| {
        upstreams.with_notice(|notice| match notice {
            Notice::Back(url) => say(format_args!("upstream {url} is back")),
            Notice::Parked(url, why) => say(format_args!(
                "warning: upstream {url} is passed over: {why}"
            )),
            _ => {}
        })
    });
    Ok(upstreams.map(Arc::new))
}

fn upstream(given: &settings::Upstream) -> Result<Upstream, RunError> {
    let mut upstream = Upstream::new(given.url.clone()).with_authentication(given.authentication);
    if let Some(token) = &given.token {
        upstream = upstream.with_token(token.clone());
    }
    if given.url.scheme() != ProxyScheme::Https {
        return Ok(upstream);
    }
    upstream
        .with_tls(&given.tls)
        .map_err(|error| RunError::Upstream {
            named_by: given.source.clone(),
            error,
        })
}

/// The enterprise proxies' URLs, without passwords.
pub(crate) fn upstream_urls(settings: &Settings) -> Vec<String> {
    let upstreams = settings.upstreams.iter();
    upstreams.map(|upstream| upstream.url.to_string()).collect()
}

/// The ways out. A target that is one of our own addresses is not dialled: that would be a loop.
pub(crate) fn egress(settings: &Settings, ways: Ways, own: Vec<SocketAddr>) -> Egress {
    let judge = move |target: &Target, ip: IpAddr| {
        let is_own = |listen: &SocketAddr| {
            listen.port() == target.port() && settings::reaches(ip, listen.ip())
        };
        if own.iter().any(is_own) {
            return Err(Denied::new("this proxy itself listens there"));
        }
        Ok(())
    };
    let judge: Arc<dyn Judge> = Arc::new(judge);
    // A proxy that turns out to be this one would be asked by itself for ever.
    let dialer = Dialer::new(SystemResolver::new(), settings.timeouts)
        .with_judge(Arc::clone(&judge))
        .with_proxy_judge(judge);
    let egress = Egress::new(dialer).with_fallback(match settings.gateway.fallback {
        Route::Direct => FallbackTo::Direct,
        Route::Proxy => FallbackTo::Proxy,
        _ => FallbackTo::Nothing,
    });
    let egress = egress.with_optimism(settings.gateway.optimistic);
    let egress = match ways.upstreams {
        Some(upstreams) => egress.with_upstreams(upstreams),
        None => egress,
    };
    match ways.gateway {
        Some(gateway) => egress.with_gateway(gateway),
        None => egress,
    }
}

/// What the operator should see at the start, in one line.
pub(crate) fn summary(settings: &Settings, rules: &RuleSet) -> String {
    let (upstream, gateway) = ways_in_words(settings);
    let upstream = match &*upstream {
        "none" => "no upstream".to_owned(),
        upstream => format!("upstream {upstream}"),
    };
    format!(
        "{upstream}; {gateway}; default {}; {} rules",
        settings.default.0,
        rules.len()
    )
}

/// The enterprise proxies, or `none`, and what becomes of gateway decisions.
pub(crate) fn ways_in_words(settings: &Settings) -> (String, String) {
    let upstreams = upstream_urls(settings);
    let upstream = match settings.upstreams.first() {
        Some(first) => format!("{} ({})", upstreams.join(", then "), first.source),
        None => "none".to_owned(),
    };
    let fallback = settings.gateway.fallback;
    let gateway = match &settings.gateway.leg {
        Some(leg) => {
            let proxies = settings.upstreams.iter().filter(|_| leg.through_proxy);
            let proxies: Vec<_> = proxies
                .map(|proxy| proxy.url.endpoint().to_string())
                .collect();
            let way = match proxies[..] {
                [] => String::new(),
                _ => format!(" through proxy {}", proxies.join(" or ")),
            };
            let fallback = match fallback {
                Route::Deny => "none",
                route => route.as_str(),
            };
            let protocol = leg.protocol();
            format!(
                "gateway {} ({protocol}){way}, fallback {fallback}",
                leg.address
            )
        }
        None if settings.gateway.used => {
            format!(
                "gateway decisions served by {fallback} ({})",
                explain::NO_GATEWAY
            )
        }
        None => "no gateway decisions".to_owned(),
    };
    (upstream, gateway)
}
