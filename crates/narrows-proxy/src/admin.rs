//! What the proxy knows about itself, for its admin listener.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use narrows_admin::{
    Admin, BindError, Configuration, Descriptors, Facts, Listener, LogLines, Party, PartyKind,
    Routes, Subject, Watch,
};
use narrows_endpoint::{Level, RuleSet};
use narrows_log::{Event, Log};
use narrows_server::TunnelLog;
use narrows_service::log::Writers;
use narrows_service::say::say;
use narrows_upstream::{Gateway, Upstreams};
use tokio::sync::watch;

use crate::explain::{explain, read_target};
use crate::reload::ReloadStatus;
use crate::settings::Settings;
use crate::ways::{self, Ways};

/// An admin listener that is open, and what the proxy knows about itself.
pub(crate) struct Inside {
    known: Arc<Known>,
    listener: Listener,
}

/// What the proxy knows about itself.
pub(crate) struct Known {
    /// How often a configuration was refused.
    failed: AtomicU64,
    in_force: RwLock<Arc<InForce>>,
    listen: Vec<String>,
    log: Log,
}

/// The configuration that holds.
struct InForce {
    gateway: Option<Arc<Gateway>>,
    rules: Arc<RuleSet>,
    settings: Arc<Settings>,
    upstreams: Option<Arc<Upstreams>>,
}

/// What the proxy knows about itself once it serves.
struct Serving<R> {
    known: Arc<Known>,
    ready: R,
    status: watch::Receiver<ReloadStatus>,
}

/// An observer, if there is somebody to show it to.
pub(crate) fn watch(settings: &Settings) -> Option<Arc<Watch>> {
    settings.admin.as_ref().map(|_| Arc::default())
}

/// Says loudly what an operator must not overlook.
pub(crate) fn say_posture(settings: &Settings, log: &TunnelLog) {
    if settings.report_only {
        say(format_args!("warning: {REPORT_ONLY}"));
        log.write(Event::Note(REPORT_ONLY.into()));
    }
}

/// What an operator must not overlook while it holds.
pub(crate) const REPORT_ONLY: &str =
    "REPORT-ONLY: what the rules deny is let through, and logged and counted as \"would deny\"";

// === impl Inside ===

impl Inside {
    /// Opens the admin listener that settings want.
    pub(crate) async fn open(
        settings: &Arc<Settings>,
        rules: &Arc<RuleSet>,
        ways: &Ways,
        listen: &[SocketAddr],
        writer: &Writers,
    ) -> Result<Option<Self>, BindError> {
        let Some(admin) = &settings.admin else {
            return Ok(None);
        };
        let Some(listener) = admin.open().await? else {
            return Ok(None);
        };
        let known = Known {
            failed: AtomicU64::new(0),
            in_force: RwLock::new(InForce::new(settings, rules, ways)),
            listen: listen.iter().map(ToString::to_string).collect(),
            log: writer.handle(),
        };
        Ok(Some(Self {
            known: Arc::new(known),
            listener,
        }))
    }

    /// Its address and port, which no tunnel may lead to.
    pub(crate) const fn tcp(&self) -> Option<SocketAddr> {
        self.listener.address().tcp()
    }

    /// What is shown, for whoever changes it.
    pub(crate) fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known)
    }

    /// Answers until the process ends.
    pub(crate) fn serve(
        self,
        watch: Arc<Watch>,
        status: watch::Receiver<ReloadStatus>,
        ready: impl Fn() -> bool + Send + Sync + 'static,
    ) {
        let serving = Serving {
            known: self.known,
            ready,
            status,
        };
        tokio::spawn(Admin::new(serving, watch).serve(self.listener));
    }
}

// === impl Serving ===

impl<R: Fn() -> bool + Send + Sync + 'static> Subject for Serving<R> {
    fn facts(&self) -> Facts {
        let known = &self.known;
        let in_force = known.in_force();
        let status = self.status.borrow().clone();
        let refused = status.refused.as_ref();
        Facts {
            program: "narrows-proxy",
            version: env!("CARGO_PKG_VERSION"),
            ready: (self.ready)(),
            report_only: in_force.settings.report_only,
            listen: known.listen.clone(),
            configuration: Configuration {
                path: status.path.map(|path| path.display().to_string()),
                hash: Some(status.hash),
                reloads: status.generation.saturating_sub(1),
                failed_reloads: known.failed.load(Ordering::Relaxed),
                last_error: refused.map(|refused| refused.why.join("; ")),
            },
            routes: in_force.routes(),
            parties: in_force.parties(),
            log: LogLines::of(&known.log),
            descriptors: Descriptors::now(),
        }
    }

    fn explain(&self, host: &str) -> Result<serde_json::Value, String> {
        let target = read_target(host)?;
        let in_force = self.known.in_force();
        let explained = explain(&in_force.rules, &in_force.settings, &target);
        serde_json::to_value(explained).map_err(|error| error.to_string())
    }
}

// === impl Known ===

impl Known {
    /// Shows another configuration from now on.
    pub(crate) fn show(&self, settings: &Arc<Settings>, rules: &Arc<RuleSet>, ways: &Ways) {
        let in_force = InForce::new(settings, rules, ways);
        *self
            .in_force
            .write()
            .unwrap_or_else(PoisonError::into_inner) = in_force;
    }

    /// Counts a configuration that was refused.
    pub(crate) fn refused(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    fn in_force(&self) -> Arc<InForce> {
        let in_force = self.in_force.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&in_force)
    }
}

// === impl InForce ===

impl InForce {
    fn new(settings: &Arc<Settings>, rules: &Arc<RuleSet>, ways: &Ways) -> Arc<Self> {
        Arc::new(Self {
            gateway: ways.gateway.clone(),
            rules: Arc::clone(rules),
            settings: Arc::clone(settings),
            upstreams: ways.upstreams.clone(),
        })
    }

    fn routes(&self) -> Routes {
        let bypass = self.settings.rules.iter();
        let bypass = bypass.filter(|rule| rule.level == Level::Bypass);
        Routes {
            default: self.settings.default.0.to_string(),
            rules: self.rules.len() as u64,
            bypass: bypass.map(|rule| rule.pattern.to_string()).collect(),
            summary: ways::summary(&self.settings, &self.rules),
        }
    }

    fn parties(&self) -> Vec<Party> {
        let health = self.upstreams.iter().flat_map(|all| all.health());
        let named = self.settings.upstreams.iter();
        let upstreams = health.zip(named).map(|(health, named)| Party {
            source: Some(named.source.to_string()),
            ..Party::new(PartyKind::Upstream, health.url.endpoint().to_string())
                .with_upstream(&health)
        });
        let gateway = self.gateway.iter().map(|gateway| {
            let leg = self.settings.gateway.leg.as_ref();
            Party {
                source: leg.map(|leg| leg.source.to_string()),
                ..Party::new(PartyKind::Gateway, gateway.address().to_string())
                    .with_gateway(&gateway.health())
            }
        });
        upstreams.chain(gateway).collect()
    }
}
