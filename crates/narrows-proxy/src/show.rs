//! `show`: the status of the proxy that is running, as rows in the manner of `azcmagent show`.

use std::fmt::{self, Write as _};
use std::io;

use narrows_admin::{Address, ClientError, Decision, Fact, Party, Status, get};

use crate::settings::Settings;

/// Why there is no status. The message has its cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShowError {
    /// What answers is not as it should be.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The answer cannot be read.
    #[error("the answer of {0} is not the status of a proxy: {1}")]
    Json(Address, serde_json::Error),
    /// No admin listener is configured, and none is where services have theirs.
    #[error("no running proxy was found: no admin listener is configured, and there is none at {}", PLACES.join(" or "))]
    Nowhere,
    /// The system gives no timers.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Where services have their sockets.
const PLACES: [&str; 2] = ["/run/narrows-proxy/admin.sock", "/run/narrows/admin.sock"];

impl ShowError {
    /// What to do about it, if that can be known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Client(ClientError::Connect { error, .. })
                if error.kind() == io::ErrorKind::PermissionDenied =>
            {
                Some(
                    "only the user of the service may open its socket: try as root or as that user",
                )
            }
            Self::Client(ClientError::Connect { .. }) => {
                Some("the proxy is not running, or its admin listener is elsewhere: see --admin")
            }
            Self::Nowhere => Some(
                "start the proxy with --admin 127.0.0.1:9090 (or admin.listen in its file), and say the same here",
            ),
            _ => None,
        }
    }
}

/// Asks the running proxy, and writes its status: rows for people, or one JSON object.
///
/// # Errors
///
/// [`ShowError`].
pub fn show(settings: &Settings, json: bool) -> Result<String, ShowError> {
    let address = address(settings).ok_or(ShowError::Nowhere)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let text = runtime.block_on(get(&address, "/api/status"))?;
    let unreadable = |error| ShowError::Json(address.clone(), error);
    let status: Status = serde_json::from_str(&text).map_err(unreadable)?;
    match json {
        true => serde_json::to_string_pretty(&status)
            .map(|text| text + "\n")
            .map_err(unreadable),
        false => Ok(rows(&status)),
    }
}

/// Where the running proxy is asked: where settings say, or where a service has its socket.
fn address(settings: &Settings) -> Option<Address> {
    if let Some(admin) = &settings.admin {
        return Some(admin.address.clone());
    }
    let place = PLACES
        .iter()
        .find(|path| std::path::Path::new(path).exists())?;
    place.parse().ok()
}

/// The width of the names of rows, that of azcmagent.
const NAME: usize = 40;

/// The status as rows.
fn rows(status: &Status) -> String {
    let mut out = String::new();
    let mut row = |name: &str, value: &dyn fmt::Display| {
        // Writing to a String cannot fail.
        let text = format!("{name:<NAME$}: {value}");
        let _ = writeln!(out, "{}", text.trim_end());
    };
    let ready = if status.ready { "Ready" } else { "Draining" };
    row("Proxy Status", &ready);
    row(
        "Proxy Version",
        &format_args!("{} {}", status.program, status.version),
    );
    row(
        "Process",
        &format_args!("{}, up {}", status.process, duration(status.up_seconds)),
    );
    row("Using HTTPS Proxy", &listen(status));
    row(
        "Report Only",
        &if status.report_only {
            "YES: nothing is denied"
        } else {
            "no"
        },
    );
    let configuration = &status.configuration;
    row(
        "Configuration File",
        &configuration.path.as_deref().unwrap_or("none"),
    );
    row(
        "Configuration Hash",
        &configuration.hash.as_deref().unwrap_or(""),
    );
    row(
        "Reloads",
        &format_args!(
            "{} taken, {} refused",
            configuration.reloads, configuration.failed_reloads
        ),
    );
    row(
        "Last Reload Error",
        &configuration
            .last_error
            .as_deref()
            .unwrap_or("")
            .replace('\n', " "),
    );
    row("Default Route", &status.routes.default);
    row("Rules", &status.routes.rules);
    row("Proxy Bypass List", &status.routes.bypass.join(","));
    for party in &status.parties {
        party_rows(party, &mut row);
    }
    let requests = &status.requests;
    row("Open Tunnels", &requests.open);
    row("Requests Carried", &requests.carried);
    row("Requests Refused", &requests.refused);
    row("Requests That Would Be Denied", &requests.would_deny);
    row("Fallbacks", &requests.fallbacks);
    for bytes in status.bytes.iter().filter(|bytes| bytes.carried > 0) {
        row(
            &format!("Route {}", bytes.via),
            &format_args!(
                "{} carried, {} open, {} sent, {} received",
                bytes.carried, bytes.open, bytes.sent, bytes.received
            ),
        );
    }
    let log = &status.log;
    row(
        "Log Lines",
        &format_args!("{} written, {} dropped", log.written, log.dropped),
    );
    if let Some(open) = status.descriptors.open {
        let limit = status.descriptors.limit;
        row(
            "Descriptors",
            &format_args!(
                "{open} of {}",
                limit.map_or_else(|| "any".to_owned(), |limit| limit.to_string())
            ),
        );
    }
    for (number, error) in status.errors.iter().take(5).enumerate() {
        let name = if number == 0 { "Last Errors" } else { "" };
        row(name, &Errors(error));
    }
    out
}

fn party_rows(party: &Party, row: &mut dyn FnMut(&str, &dyn fmt::Display)) {
    let name = match party.kind {
        narrows_admin::PartyKind::Gateway => "Gateway",
        narrows_admin::PartyKind::Upstream => "Upstream Proxy",
    };
    row(name, &party.address);
    for (step, fact) in party.facts() {
        row(&format!("{name} {}", step.to_uppercase()), &state(fact));
    }
}

/// One of the three facts.
fn state(fact: Option<&Fact>) -> String {
    match fact {
        None => "not tried".to_owned(),
        Some(Fact {
            error: Some(error), ..
        }) => format!("failed: {error}"),
        Some(Fact { took_ms, .. }) => format!("ok, {took_ms} ms"),
    }
}

fn listen(status: &Status) -> String {
    let urls = status
        .listen
        .iter()
        .map(|address| format!("http://{address}"));
    urls.collect::<Vec<_>>().join(", ")
}

struct Errors<'a>(&'a Decision);

impl fmt::Display for Errors<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Decision {
            target,
            reason,
            by,
            status,
            ..
        } = self.0;
        write!(f, "{target}")?;
        if let Some(status) = status {
            write!(f, " {status}")?;
        }
        if let Some(by) = by {
            write!(f, " by {by}")?;
        }
        write!(f, ": {reason}")
    }
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86400, seconds % 86400 / 3600),
    }
}
