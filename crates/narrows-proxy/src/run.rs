//! `run`: from settings to a server that listens, until signals end it.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use narrows_endpoint::RuleError;
use narrows_log::Event;
use narrows_server::{Drained, Observe, Phase, Server, TunnelLog};
use narrows_service::clock::LocalClock;
use narrows_service::descriptors;
use narrows_service::listen::ListenError;
use narrows_service::log::{self, Writers};
use narrows_service::notify;
use narrows_service::runtime::runtime;
use narrows_service::say::say;
use narrows_service::signals::{self, End};
use narrows_service::sockets::Sockets;

use crate::admin;
use crate::exit::Exit;
use crate::policy::RulePolicy;
use crate::reload::{Reloader, Sources};
use crate::settings::Settings;
use crate::ways::{self, Ways, WaysError};

mod watch;

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
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The tunnel log cannot be opened.
    #[error(transparent)]
    Log(#[from] log::OpenError),
    /// The rules make no rule set.
    #[error(transparent)]
    Rules(#[from] RuleError),
    /// The system gives no threads, signals or timers.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
    /// A party cannot be used as it is configured.
    #[error(transparent)]
    Ways(#[from] WaysError),
}

impl RunError {
    /// What to do about it, if that can be known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Admin(error) => error.hint(),
            Self::Listen(error) => error.hint(),
            Self::Ways(error) => error.hint(),
            _ => None,
        }
    }

    /// Settings that cannot be are wrong usage; everything else is a failure to serve.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Ways(_) => Exit::Usage,
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
    let sockets = Sockets::passed_or(&settings.listen)?;
    let descriptors = descriptors::raise_descriptors();
    if let Some(warning) = descriptors::shortage(descriptors, settings.server.tunnels) {
        say(format_args!("warning: {warning}"));
    }
    settings.server.tunnels = descriptors::tunnels(descriptors, settings.server.tunnels);
    let ways = ways::ways(&settings, None)?;
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
    let mut hangup = signals::reopen()?;
    let (listeners, mut own) = sockets.listen().await?;
    let settings = Arc::new(settings);
    let watching = admin::watch(&settings);
    let inside = admin::Inside::open(&settings, policy.rules(), &ways, &own, writer).await?;
    let known = inside.as_ref().map(admin::Inside::known);
    admin::say_posture(&settings, log);
    let summary = ways::summary(&settings, policy.rules());
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

    own.extend(inside.as_ref().and_then(admin::Inside::tcp));
    let egress = ways::egress(&settings, ways.clone(), own.clone());
    let observer = (Arc::clone(log), watching.clone());
    let server = Server::new(policy.clone(), egress, observer, settings.server.clone());
    let apply = watch::apply(server.clone(), known.clone());
    let descriptors = descriptors::raise_descriptors();
    let reloader = Reloader::new(sources, &settings, policy, ways, own, descriptors, apply);
    let reloader = reloader.with_notice();
    if let (Some(inside), Some(watching)) = (inside, watching) {
        let server = server.clone();
        let ready = move || server.phase() == Phase::Serving;
        inside.serve(watching, reloader.subscribe(), ready);
    }
    let (first, asked) = tokio::sync::oneshot::channel();
    let mut serving = pin!(server.serve(listeners, async {
        let _ = asked.await;
    }));
    tokio::select! {
        Drained { cut, .. } = &mut serving => return Ok(Ending::Drained(cut)),
        () = end.asked() => {}
        // In this task, so that nothing is told of a reload behind what is told of the end.
        never = watch::configuration(reloader, &mut hangup, writer, log, known) => match never {},
    }
    let _ = first.send(());
    tokio::select! {
        ending = drain(&server, serving, &mut end) => Ok(ending),
        never = watch::log(&mut hangup, writer) => match never {},
    }
}

/// Serves to the end that was asked for: the phases of [`Server::serve`], by what holds now.
async fn drain<O: Observe>(
    server: &Server<RulePolicy, O>,
    mut serving: Pin<&mut impl Future<Output = Drained>>,
    end: &mut End,
) -> Ending {
    let settings = server.settings();
    notify::stopping("draining", settings.unready + settings.drain);
    if !settings.unready.is_zero() {
        say(format_args!(
            "unready: serving for {} s more; a second signal ends at once",
            settings.unready.as_secs()
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
        Drained { cut, .. } = drained => Ending::Drained(cut),
        () = end.asked() => Ending::AtOnce(server.connections()),
    }
}
