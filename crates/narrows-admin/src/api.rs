//! The values of `/api/tunnels` and `/api/decisions`.

use narrows_log::{Text, Via};
use serde::{Deserialize, Serialize};

use crate::watch::{Noted, Open, Row, Watch, route, unix_ms};

mod page;

pub(crate) use page::Paging;

/// What is open now, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnels {
    /// How many there are that were asked for, on all pages.
    pub total: u64,
    /// Those of this page.
    pub tunnels: Vec<Tunnel>,
    /// What to ask for as `after` to get the next page; none after the last one.
    pub next: Option<u64>,
}

/// A request that is being carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// Its number, which joins it to the log.
    pub id: String,
    /// The client's address.
    pub client: String,
    /// Who the client proved to be, if that was asked.
    pub identity: Option<String>,
    /// Host and port.
    pub target: String,
    /// `CONNECT`, or the method of plain HTTP.
    pub method: String,
    /// The way it goes.
    pub via: String,
    /// Octets delivered to the far side so far; plain HTTP counts at its end.
    pub sent: u64,
    /// Octets delivered to the client so far.
    pub received: u64,
    /// Milliseconds since it was asked for.
    pub age_ms: u64,
    /// Whether it would be refused if rules did not only report.
    pub would_deny: bool,
}

/// The last decisions and faults, and the names by route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decisions {
    /// The last decisions, newest first.
    pub decisions: Vec<Decision>,
    /// The last requests that were refused, would have been, or did not end cleanly; newest first.
    pub faults: Vec<Decision>,
    /// The names that were asked for most.
    pub names: Vec<NameRow>,
    /// All other names together.
    pub others: NameRow,
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// Its number, which joins it to the log.
    pub id: String,
    /// The client's address.
    pub client: String,
    /// Host and port, or what the client wrote in their place, made visible.
    pub target: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The way it took, unless it was refused.
    pub via: Option<String>,
    /// The party to blame.
    pub by: Option<String>,
    /// What was being done.
    pub step: Option<String>,
    /// The HTTP status of a refusal.
    pub status: Option<u16>,
    /// Why, in a sentence; empty for a request that was simply carried.
    pub reason: String,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was open and did not end cleanly.
    Broken,
    /// It was carried.
    Carried,
    /// It was refused, or failed before it was open.
    Refused,
    /// It was carried, and would be refused if rules did not only report.
    WouldDeny,
}

/// What became of the requests for one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameRow {
    /// The name or address.
    pub host: String,
    /// Carried directly.
    pub direct: u64,
    /// Carried by the gateway.
    pub gateway: u64,
    /// Carried by the upstream proxy.
    pub proxy: u64,
    /// Refused, or failed before they were open.
    pub refused: u64,
    /// Carried, and would be refused if rules did not only report.
    pub would_deny: u64,
    /// Octets to far sides, of requests that have ended.
    pub sent: u64,
    /// Octets to clients, of requests that have ended.
    pub received: u64,
}

/// How many names an answer has.
const NAMES: usize = 200;

impl Tunnels {
    pub(crate) fn of(watch: &Watch, paging: &Paging) -> Self {
        let wanted = |open: &Open| match &*paging.host {
            "" => true,
            part => open.asked.target.to_string().contains(part),
        };
        let page = watch.live.page(paging.after, paging.limit, wanted);
        Self {
            total: page.total,
            next: page.next,
            tunnels: page.open.iter().map(Tunnel::from).collect(),
        }
    }
}

impl From<&Open> for Tunnel {
    fn from(open: &Open) -> Self {
        let asked = &open.asked;
        Self {
            id: asked.id.to_string(),
            client: asked.client.to_string(),
            identity: open.identity.as_deref().map(visible),
            target: asked.target.to_string(),
            method: asked.method.to_string(),
            via: open.via.as_str().to_owned(),
            sent: open.sent(),
            received: open.received(),
            age_ms: unix_ms(asked.since.elapsed()),
            would_deny: open.would_deny,
        }
    }
}

impl Decisions {
    pub(crate) fn of(watch: &Watch, limit: usize) -> Self {
        let names = watch.recent.names();
        let sorted = names.sorted();
        let (shown, hidden) = sorted.split_at(sorted.len().min(NAMES));
        let mut others = NameRow::new(String::new(), &names.others);
        for (_, row) in hidden {
            others.add(&NameRow::new(String::new(), row));
        }
        let decisions = |noted: Vec<Noted>| noted.iter().map(Decision::from).collect();
        Self {
            decisions: decisions(watch.recent.decisions(limit)),
            faults: decisions(watch.recent.faults(limit)),
            names: shown
                .iter()
                .map(|(host, row)| NameRow::new(host.to_string(), row))
                .collect(),
            others,
        }
    }
}

impl From<&Noted> for Decision {
    fn from(noted: &Noted) -> Self {
        use crate::watch::Kind;

        let (outcome, via, by, step, status) = match noted.kind {
            Kind::Broken(by, via) => (Outcome::Broken, Some(via), Some(by), Some("relay"), None),
            Kind::Carried(via) => (Outcome::Carried, Some(via), None, None, None),
            Kind::Refused(by, step, status) => {
                (Outcome::Refused, None, Some(by), Some(step), Some(status))
            }
            Kind::WouldDeny(via) => (Outcome::WouldDeny, Some(via), None, None, None),
        };
        let target = noted.target.as_ref().map(ToString::to_string);
        let owned = |word: &str| word.to_owned();
        Self {
            at: noted.at,
            id: noted.id.to_string(),
            client: noted.client.to_string(),
            target: target.unwrap_or_else(|| visible(&noted.raw)),
            outcome,
            via: via.map(|via: Via| owned(via.as_str())),
            by: by.map(owned),
            step: step.map(owned),
            status,
            reason: visible(&noted.reason),
        }
    }
}

impl NameRow {
    fn new(host: String, row: &Row) -> Self {
        let mut new = Self {
            host,
            refused: row.refused,
            would_deny: row.would_deny,
            sent: row.sent,
            received: row.received,
            ..Self::default()
        };
        for (via, count) in Via::ALL.into_iter().zip(row.carried) {
            match route(via) {
                narrows_endpoint::Route::Direct => new.direct += count,
                narrows_endpoint::Route::Gateway => new.gateway += count,
                _ => new.proxy += count,
            }
        }
        new
    }

    fn add(&mut self, other: &Self) {
        self.direct += other.direct;
        self.gateway += other.gateway;
        self.proxy += other.proxy;
        self.refused += other.refused;
        self.would_deny += other.would_deny;
        self.sent += other.sent;
        self.received += other.received;
    }
}

/// A text from a peer as a terminal can show it.
fn visible(text: &str) -> String {
    let is_visible = |char: char| !char.is_control() && !INVISIBLE.contains(&char);
    if text.chars().all(is_visible) {
        return Text::new(text).to_string();
    }
    let shown: String = text
        .chars()
        .flat_map(|char| {
            let escaped = (!is_visible(char)).then(|| char.escape_unicode());
            let plain = is_visible(char).then_some(char);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect();
    Text::new(shown).to_string()
}

/// Characters that change lines or the direction of what is around them.
const INVISIBLE: [char; 13] = [
    '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
    '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];
