//! What a running proxy looks after: its configuration, and on SIGHUP its log.

use std::convert::Infallible;
use std::sync::Arc;

use narrows_log::Event;
use narrows_server::{Observe, Server, TunnelLog};
use narrows_service::log::Writers;
use narrows_service::notify;
use narrows_service::say::say;
use tokio::signal::unix::Signal;

use crate::admin::Known;
use crate::policy::RulePolicy;
use crate::reload::{Apply, Outcome, Reloader};

/// What puts a new configuration in force, and shows it.
pub(super) fn apply<O: Observe>(
    server: Server<RulePolicy, O>,
    known: Option<Arc<Known>>,
) -> Box<Apply> {
    Box::new(move |policy, egress, settings, ways| {
        if let Some(known) = &known {
            known.show(settings, policy.rules(), ways);
        }
        server.reload(policy, egress, settings.server.clone())
    })
}

/// Looks after the configuration; a signal opens the log again too.
pub(super) async fn configuration(
    reloader: Reloader,
    hangup: &mut Signal,
    writer: &Writers,
    log: &TunnelLog,
    known: Option<Arc<Known>>,
) -> Infallible {
    let told = |outcome: &Outcome| {
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
    let asked = || {
        notify::reloading();
        writer.handle().reopen();
    };
    Arc::new(reloader).watch(hangup, asked, told).await
}

/// Opens the log again when a signal comes, and nothing else: what ends takes no other configuration.
pub(super) async fn log(hangup: &mut Signal, writer: &Writers) -> Infallible {
    loop {
        hangup.recv().await;
        writer.handle().reopen();
    }
}
