//! `run`: from settings to a server that listens, until signals end it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use narrows_admin::{Admin, Watch};
use narrows_log::Event;
use narrows_server::{Phase, TunnelLog};
use narrows_service::clock::LocalClock;
use narrows_service::descriptors;
use narrows_service::listen::ListenError;
use narrows_service::log::{self, Writers};
use narrows_service::notify;
use narrows_service::runtime::runtime;
use narrows_service::say::say;
use narrows_service::signals::{self, End};
use narrows_service::sockets::Sockets;
use narrows_upstream::{Dialer, SystemResolver};

use crate::admin::Known;
use crate::exit::Exit;
use crate::serve::{self, Ending, Front};
use crate::settings::Settings;
use crate::state::{State, StateError};
use crate::strict::Strict;

/// How long the log may take for its last lines.
const LAST_LINES: Duration = Duration::from_secs(5);
/// How long tasks may take to be dropped at the end. They do nothing but write their records.
const LAST_TASKS: Duration = Duration::from_secs(1);
/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Why the gateway could not serve. The message has its cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The admin listener cannot be opened.
    #[error(transparent)]
    Admin(#[from] narrows_admin::BindError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The access log cannot be opened.
    #[error(transparent)]
    Log(#[from] log::OpenError),
    /// Nobody would be kept out, and others than this machine could connect.
    #[error(
        "refusing to let everyone in: there are no tokens, no JWT keys and no client authority"
    )]
    Open,
    /// What the settings name cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The system gives no threads, signals or timers.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

// === impl RunError ===

impl RunError {
    /// What to do about it, if that can be known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Open => Some(
                "issue a token (narrows-gateway token issue NAME), listen on loopback only, or say \
                 --allow-anonymous",
            ),
            Self::State(StateError::Tls(_)) => {
                Some("narrows-gateway init --dir DIR makes certificates for a trial")
            }
            Self::Admin(error) => error.hint(),
            Self::Listen(error) => error.hint(),
            _ => None,
        }
    }

    /// Whether something that was configured is wrong, rather than the machine.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Open | Self::State(_) => Exit::Usage,
            _ => Exit::Failure,
        }
    }
}

/// Serves until a signal ends it.
///
/// # Errors
///
/// What kept it from serving. Once it serves, nothing but signals ends it.
pub fn run(settings: &Settings) -> Result<Exit, RunError> {
    let state = Arc::new(State::read(settings)?);
    let sockets = Sockets::passed_or(&settings.listen)?;
    let anonymous = anonymous(settings, &sockets, &state)?;
    let descriptors = descriptors::raise_descriptors();
    if let Some(warning) = descriptors::shortage(descriptors, settings.server.tunnels) {
        say(format_args!("warning: {warning}"));
    }
    let writer = log::open(&settings.log, "narrows-gateway")?;
    let clock = LocalClock::system();
    let log = Arc::new(TunnelLog::new(
        writer.handle(),
        Box::new(move || clock.now()),
    ));

    let runtime = runtime()?;
    let end = runtime.block_on(start(settings, sockets, &state, anonymous, &writer, &log))?;
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

/// Whether everyone is let in: if it was asked for, or on loopback as long as nothing else is set up.
fn anonymous(settings: &Settings, sockets: &Sockets, state: &State) -> Result<bool, RunError> {
    match (settings.anonymous, state.authenticates()) {
        (true, _) => say(format_args!(
            "warning: EVERYONE WHO CAN CONNECT IS LET IN: authentication is switched off"
        )),
        (false, true) => return Ok(false),
        (false, false) if sockets.are_local() => say(format_args!(
            "warning: EVERYONE ON THIS MACHINE IS LET IN: there are no tokens, no JWT keys and no client \
             authority; set one up and start again"
        )),
        (false, false) => return Err(RunError::Open),
    }
    Ok(true)
}

async fn start(
    settings: &Settings,
    sockets: Sockets,
    state: &Arc<State>,
    anonymous: bool,
    writer: &Writers,
    log: &Arc<TunnelLog>,
) -> Result<Ending, RunError> {
    let end = End::listen()?;
    let (listeners, addresses) = sockets.listen().await?;
    let admin = match &settings.admin {
        Some(place) => place.open().await?,
        None => None,
    };
    let inner = admin.as_ref().and_then(|admin| admin.address().tcp());
    let own = addresses.iter().copied().chain(inner).collect();
    let seen = admin.as_ref().map(|_| Arc::new(Watch::new()));
    let dialer = dialer(settings);
    let front = Front::new(settings, state, anonymous, dialer, own, log, seen.clone());
    watch(state, writer, log)?;
    if let (Some(listener), Some(seen)) = (admin, seen) {
        let server = front.server.clone();
        let known = Known {
            file: settings.file.clone(),
            listen: addresses.clone(),
            log: writer.handle(),
            ready: move || server.phase() == Phase::Serving,
            state: Arc::clone(state),
        };
        tokio::spawn(Admin::new(known, seen).serve(listener));
    }
    let gateways = state.gateways.load().gateways().len();
    for &address in &addresses {
        say(format_args!("listening on {address}"));
        let version = env!("CARGO_PKG_VERSION");
        log.write(Event::Started {
            detail: format!("narrows-gateway {version}; {gateways} gateways").into(),
            listen: address.into(),
        });
    }
    let summary = state.summary();
    say(format_args!("{summary}"));
    notify::ready(&summary);
    Ok(serve::until_asked(front, listeners, &settings.server, end).await)
}

fn dialer(settings: &Settings) -> Dialer {
    if settings.any_bad_denies_all {
        Dialer::new(Strict(SystemResolver::new()), settings.timeouts)
    } else {
        Dialer::new(SystemResolver::new(), settings.timeouts)
    }
}

/// Looks for changed files every two seconds, and at once on SIGHUP, which opens the log again too.
fn watch(state: &Arc<State>, writer: &Writers, log: &Arc<TunnelLog>) -> io::Result<()> {
    let mut asked = signals::reopen()?;
    let (state, log, handle) = (Arc::clone(state), Arc::clone(log), writer.handle());
    tokio::spawn(async move {
        loop {
            let asked = tokio::select! {
                () = tokio::time::sleep(LOOK) => false,
                _ = asked.recv() => true,
            };
            if asked {
                notify::reloading();
                handle.reopen();
            }
            let files = Arc::clone(&state);
            // A slow file system must not hold up tunnels.
            let told = tokio::task::spawn_blocking(move || files.refresh()).await;
            if asked {
                notify::reloaded(&state.summary());
            }
            for line in told.unwrap_or_default() {
                say(format_args!("{line}"));
                log.write(Event::Note(line.into()));
            }
        }
    });
    Ok(())
}
