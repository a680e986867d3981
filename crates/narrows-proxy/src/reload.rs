//! [`Reloader`]: reads the configuration again and puts it in force, whole or not at all.

mod files;
mod notice;
mod retired;
mod status;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use narrows_admin::{Address, SocketMode};
use narrows_server::Egress;
use narrows_service::descriptors;
use narrows_service::log::SinkSettings;
use narrows_service::problem::Problems;
use narrows_service::watched::Stamp;
use tokio::signal::unix::Signal;
use tokio::sync::watch;

use crate::admin;
use crate::cli::{Options, Origins};
use crate::config::Loaded;
use crate::policy::RulePolicy;
use crate::posture;
use crate::settings::Settings;
use crate::ways::{self, Ways};
use files::Seen;
use retired::Retired;

pub use notice::{Notice, Word, find};
pub use status::{Refused, ReloadStatus};

/// How often files are looked at. A change counts when it is the same at two looks: what an editor has
/// half written is left alone.
pub const LOOK: Duration = Duration::from_secs(1);

/// Reads the configuration again, and the files that it names, and puts it in force.
///
/// Nothing of a configuration with a fault is taken. Parties that have not changed keep their warm sessions,
/// and what was learnt of their credentials. Addresses to listen on, the admin listener's too, and the log stay what they were when the
/// process began; that a file says something else is told.
pub struct Reloader {
    apply: Box<Apply>,
    descriptors: Option<u64>,
    in_force: Mutex<InForce>,
    lookup: Box<Lookup>,
    notice: Option<Notice>,
    options: Options,
    origins: Origins,
    own: Vec<SocketAddr>,
    status: watch::Sender<ReloadStatus>,
}

/// Puts rules, egress and settings in force together, and gives the generation that begins.
pub(crate) type Apply = dyn Fn(RulePolicy, Egress, &Arc<Settings>, &Ways) -> u64 + Send + Sync;
type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Where the settings of a process come from: the same places each time.
pub struct Sources {
    /// The command line and the NARROWS_* variables.
    pub options: Options,
    /// Which of the two gave each option.
    pub origins: Origins,
    /// The environment, for HTTPS_PROXY and NO_PROXY.
    pub lookup: Box<Lookup>,
    /// The files as they were before they were read for the first time.
    seen: Seen,
}

/// What came of reading the configuration again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is in force.
    Applied {
        /// Its number; connection ids carry it.
        generation: u64,
        /// What holds now, in one line.
        summary: String,
        /// What was left out, each a sentence for a person.
        warnings: Vec<String>,
    },
    /// Something is wrong with it: nothing changed.
    Refused(Vec<String>),
    /// The files say what they said before.
    Unchanged,
}

/// What holds, and what it was made of.
struct InForce {
    fixed: Fixed,
    /// What the files looked like at the last look.
    looked: Stamp,
    seen: Seen,
    /// Whether what was seen last is in force.
    good: bool,
    policy: RulePolicy,
    retired: Retired,
    ways: Ways,
}

/// What a running process cannot change.
#[derive(Debug, PartialEq, Eq)]
struct Fixed {
    admin: Option<(Address, SocketMode)>,
    listen: Vec<SocketAddr>,
    log: Vec<SinkSettings>,
}

// === impl Reloader ===

impl Reloader {
    /// A reloader for a process that serves `settings`, which `sources` gave, by this policy and these ways,
    /// at these addresses.
    pub(crate) fn new(
        sources: Sources,
        settings: &Settings,
        policy: RulePolicy,
        ways: Ways,
        own: Vec<SocketAddr>,
        descriptors: Option<u64>,
        apply: Box<Apply>,
    ) -> Self {
        let seen = sources.seen;
        let status = ReloadStatus {
            generation: 1,
            hash: posture::fingerprint(settings),
            loaded: SystemTime::now(),
            path: sources.options.file(),
            read: seen.configuration.clone(),
            refused: None,
            waiting: Vec::new(),
        };
        Self {
            apply,
            descriptors,
            in_force: Mutex::new(InForce {
                fixed: Fixed::of(settings),
                looked: seen.stamp.clone(),
                seen,
                good: true,
                policy,
                retired: Retired::default(),
                ways,
            }),
            lookup: sources.lookup,
            notice: None,
            options: sources.options,
            origins: sources.origins,
            own,
            status: watch::Sender::new(status),
        }
    }

    /// Leaves word of the status in the runtime directory, from now on, for who edits the file.
    pub(crate) fn with_notice(mut self) -> Self {
        let path = self.options.file_or_default();
        self.notice = Notice::new(path.as_deref(), &*self.lookup);
        self.tell();
        self
    }

    /// What holds, and what became of the last attempt to change it.
    pub fn status(&self) -> ReloadStatus {
        self.status.borrow().clone()
    }

    /// The status, and whenever it changes.
    pub fn subscribe(&self) -> watch::Receiver<ReloadStatus> {
        self.status.subscribe()
    }

    /// Reads everything again, now. Blocks on the file system.
    pub fn reload(&self) -> Outcome {
        let mut in_force = self.lock();
        let seen = Seen::look(&self.options);
        if in_force.good && in_force.seen.digest == seen.digest {
            in_force.seen = seen;
            return Outcome::Unchanged;
        }
        let taken = self.take(&mut in_force, &seen);
        in_force.good = taken.is_ok();
        self.status.send_modify(|status| {
            status.read = seen.configuration.clone();
            match &taken {
                Ok(_) => status.refused = None,
                Err(why) => status.refused = Some(Refused::now(why.clone())),
            }
        });
        in_force.looked = seen.stamp.clone();
        in_force.seen = seen;
        self.tell();
        taken.unwrap_or_else(Outcome::Refused)
    }

    /// Reads everything again if files differ from what was read last, and did not change since the last
    /// look. Blocks on the file system.
    pub fn look(&self) -> Option<Outcome> {
        let mut in_force = self.lock();
        in_force.retired.sweep();
        let stamp = in_force.seen.look_again();
        let settled = stamp == in_force.looked;
        let differs = stamp != in_force.seen.stamp;
        in_force.looked = stamp;
        drop(in_force);
        (differs && settled).then(|| self.reload())
    }

    /// Looks every second, and reloads at once when a signal comes; `told` hears what came of it, and
    /// whether it was asked for. Never ends.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a reload that has begun ends on a thread of its own.
    pub async fn watch(
        self: Arc<Self>,
        signal: &mut Signal,
        asked: impl Fn(),
        told: impl Fn(&Outcome),
    ) -> Infallible {
        loop {
            let by_signal = tokio::select! {
                () = tokio::time::sleep(LOOK) => false,
                _ = signal.recv() => true,
            };
            if by_signal {
                asked();
            }
            let this = Arc::clone(&self);
            // A slow file system must not hold up tunnels.
            let look = move || match by_signal {
                true => Some(this.reload()),
                false => this.look(),
            };
            if let Ok(Some(outcome)) = tokio::task::spawn_blocking(look).await {
                told(&outcome);
            }
        }
    }

    fn take(&self, in_force: &mut InForce, seen: &Seen) -> Result<Outcome, Vec<String>> {
        if let Some(path) = in_force.seen.gone(seen) {
            let gone = format!("error: {}: it was read before, and is gone", path.display());
            return Err(vec![gone]);
        }
        let settings = Settings::resolve(&self.options, &self.origins, &self.lookup);
        let mut settings = settings
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let wrong = |error: &dyn std::fmt::Display| vec![format!("error: {error}")];
        let tunnels = settings.server.tunnels;
        settings.server.tunnels = descriptors::tunnels(self.descriptors, tunnels);
        let ways = ways::ways(&settings, Some(&in_force.ways)).map_err(|error| wrong(&error))?;
        let policy = RulePolicy::new(&settings).map_err(|error| wrong(&error))?;
        let summary = ways::summary(&settings, policy.rules());
        let mut warnings = std::mem::take(&mut settings.warnings);
        if settings.report_only {
            warnings.insert(0, admin::REPORT_ONLY.to_owned());
        }
        let waiting = in_force.fixed.waiting(&settings);
        warnings.extend(waiting.iter().map(|key| {
            format!("{key} is not what this process was started with: restart it to apply that")
        }));
        let egress = ways::egress(&settings, ways.clone(), self.own.clone());
        let hash = posture::fingerprint(&settings);
        let generation = (self.apply)(policy.clone(), egress, &Arc::new(settings), &ways);
        let before = std::mem::replace(&mut in_force.policy, policy);
        in_force.retired.add(before);
        in_force.ways = ways;
        self.status.send_modify(|status| {
            status.generation = generation;
            status.hash = hash;
            status.loaded = SystemTime::now();
            status.path = self.options.file();
            status.waiting = waiting.into_iter().map(str::to_owned).collect();
        });
        Ok(Outcome::Applied {
            generation,
            summary,
            warnings,
        })
    }

    /// Leaves word for who edits the file.
    fn tell(&self) {
        if let Some(notice) = &self.notice {
            notice.write(&self.status.borrow());
        }
    }

    fn lock(&self) -> MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloader")
            .field("own", &self.own)
            .field("status", &*self.status.borrow())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Sources {
    /// Without the options, of which one may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

// === impl Sources ===

impl Sources {
    /// Looks at the files that settings come from. To be made before they are read, so that no change in
    /// between is missed.
    pub fn new(options: Options, origins: Origins, lookup: Box<Lookup>) -> Self {
        Self {
            seen: Seen::look(&options),
            options,
            origins,
            lookup,
        }
    }

    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once.
    pub fn settings(&self) -> Result<Settings, Problems> {
        Settings::resolve(&self.options, &self.origins, &self.lookup)
    }

    /// The settings as they would be with this text in the configuration file.
    ///
    /// # Errors
    ///
    /// As [`settings`](Self::settings).
    pub fn settings_with(&self, path: &Path, text: &str) -> Result<Settings, Problems> {
        let loaded = Loaded::parse(&path.to_string_lossy(), text)?;
        Settings::judge(&self.options, &self.origins, &self.lookup, Some(&loaded))
    }
}

// === impl Outcome ===

impl Outcome {
    /// What to tell people, and the log: a line for each thing.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Applied {
                generation,
                summary,
                warnings,
            } => {
                let done = format!("reloaded as generation {generation}: {summary}");
                let warnings = warnings.iter().map(|warning| format!("warning: {warning}"));
                std::iter::once(done).chain(warnings).collect()
            }
            Self::Refused(why) => {
                let shown = why.iter().take(SHOWN).flat_map(|problem| problem.lines());
                let mut lines = vec!["reload failed, nothing changed:".to_owned()];
                lines.extend(shown.map(str::to_owned));
                if why.len() > SHOWN {
                    lines.push(format!("and {} more", why.len() - SHOWN));
                }
                lines
            }
            Self::Unchanged => Vec::new(),
        }
    }
}

/// Problems of a file that are told one by one.
const SHOWN: usize = 10;

// === impl Fixed ===

impl Fixed {
    fn of(settings: &Settings) -> Self {
        let admin = settings.admin.as_ref();
        Self {
            admin: admin.map(|admin| (admin.address.clone(), admin.mode)),
            listen: settings.listen.clone(),
            log: settings.log.clone(),
        }
    }

    /// The keys, or sections of keys, that say something else now.
    fn waiting(&self, settings: &Settings) -> Vec<&'static str> {
        let now = Self::of(settings);
        let differs = [
            ("admin", self.admin != now.admin),
            ("listen", self.listen != now.listen),
            ("log", self.log != now.log),
        ];
        let differs = differs.into_iter().filter(|(_, differs)| *differs);
        differs.map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests;
