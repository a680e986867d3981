//! What everybody saw of each request, put side by side as soon as all have spoken.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::end::Seen;
use crate::plan::{Id, Plan, Route};

/// How many contradictions are kept in words.
const KEPT: usize = 20;
/// More octets than a head here has.
const HEAD: u64 = 1024;

/// The book of a whole run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    open: HashMap<Id, Entry>,
    settled: BTreeMap<(Route, String), Sum>,
    faults: Vec<String>,
    faulty: u64,
}

/// What is known of one request.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    plan: Option<Plan>,
    client: Option<ClientSaw>,
    origin: Option<Seen>,
    proxy: Option<Logged>,
    gateway: Option<Logged>,
}

/// What the client saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientSaw {
    /// The status of the answer.
    pub(crate) status: u16,
    /// What it sent and read in the tunnel, or as bodies.
    pub(crate) seen: Seen,
}

/// What a log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Logged {
    pub(crate) status: u16,
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

/// Requests of one sort.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) requests: u64,
    pub(crate) up: u64,
    pub(crate) down: u64,
}

/// Whose log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    Proxy,
    Gateway,
}

// === impl Ledger ===

impl Ledger {
    /// A client is about to ask.
    pub(crate) fn asks(&self, id: Id, plan: Plan) {
        let mut inner = self.inner();
        if inner
            .open
            .entry(id)
            .or_default()
            .plan
            .replace(plan)
            .is_some()
        {
            inner.fault(format!("{id}: asked for twice at a time"));
        }
    }

    /// What became of it, for the client.
    pub(crate) fn client(&self, id: Id, saw: ClientSaw) {
        self.told(id, |entry| entry.client.replace(saw).is_none(), "client");
    }

    /// The same, for the origin.
    pub(crate) fn origin(&self, id: Id, seen: Seen) {
        self.told(id, |entry| entry.origin.replace(seen).is_none(), "origin");
    }

    /// The same, for a log.
    pub(crate) fn logged(&self, writer: Writer, id: Id, logged: Logged) {
        let put = |entry: &mut Entry| match writer {
            Writer::Proxy => entry.proxy.replace(logged).is_none(),
            Writer::Gateway => entry.gateway.replace(logged).is_none(),
        };
        self.told(id, put, "log");
    }

    /// Something that is wrong with the run as a whole.
    pub(crate) fn fault(&self, what: String) {
        self.inner().fault(what);
    }

    /// Requests of which somebody has not spoken yet.
    pub(crate) fn open(&self) -> usize {
        self.inner().open.len()
    }

    /// Makes a fault of each request that is still open, and of each record without a request.
    pub(crate) fn close(&self) {
        let mut inner = self.inner();
        for (id, entry) in std::mem::take(&mut inner.open) {
            inner.fault(format!("{id}: never settled: {entry:?}"));
        }
    }

    /// Settled requests by route and sort.
    pub(crate) fn settled(&self) -> BTreeMap<(Route, String), Sum> {
        self.inner().settled.clone()
    }

    /// How many contradictions there are, and the first ones in words.
    pub(crate) fn faults(&self) -> (u64, Vec<String>) {
        let inner = self.inner();
        (inner.faulty, inner.faults.clone())
    }

    fn told(&self, id: Id, put: impl FnOnce(&mut Entry) -> bool, who: &str) {
        let mut inner = self.inner();
        let entry = inner.open.entry(id).or_default();
        if !put(entry) {
            inner.fault(format!("{id}: the {who} spoke twice"));
            return;
        }
        let entry = *entry;
        if let Some(plan) = entry
            .plan
            .filter(|plan| entry.is_complete(*plan, id.route()))
        {
            inner.open.remove(&id);
            inner.settle(id, plan, &entry);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Inner ===

impl Inner {
    fn settle(&mut self, id: Id, plan: Plan, entry: &Entry) {
        if let Some(contradiction) = entry.contradiction(plan, id.route()) {
            self.fault(format!(
                "{id} ({}, {plan:?}): {contradiction}: {entry:?}",
                id.route()
            ));
        }
        let sum = self
            .settled
            .entry((id.route(), plan.to_string()))
            .or_default();
        let logged = entry.proxy.unwrap_or(Logged::NOTHING);
        sum.requests += 1;
        sum.up += logged.sent;
        sum.down += logged.received;
    }

    fn fault(&mut self, what: String) {
        self.faulty += 1;
        if self.faults.len() < KEPT {
            self.faults.push(what);
        }
    }
}

// === impl Entry ===

impl Entry {
    const fn is_complete(&self, plan: Plan, route: Route) -> bool {
        self.client.is_some()
            && self.proxy.is_some()
            && (self.origin.is_some() || !plan.arrives())
            && (self.gateway.is_some() || !(route.by_gateway() && plan.asks_gateway()))
    }

    /// What two of those who were there disagree about.
    fn contradiction(&self, plan: Plan, route: Route) -> Option<&'static str> {
        let (client, proxy) = (self.client?, self.proxy?);
        if client.status != proxy.status {
            return Some("client and log know different statuses");
        }
        let gateway = self.gateway.unwrap_or(proxy);
        let Some(origin) = self.origin else {
            return self.refusal(plan, client, proxy);
        };
        if client.status != 200 {
            return Some("it should have been served");
        }
        if !client.seen.intact || !origin.intact {
            return Some("altered octets");
        }
        match plan {
            Plan::Plain { up, down } => {
                let bodies = (client.seen.sent, client.seen.received) == (up, down);
                let logged = if route == Route::Enterprise {
                    proxy.is_of_bodies(up, down)
                } else {
                    proxy.is(origin) && gateway.is(origin)
                };
                (!bodies || !logged).then_some("lost octets")
            }
            // What was on its way when the connection was reset is lost. Each party has passed on no more
            // than it was given, and says no less than what arrived.
            Plan::Abort { .. } => {
                let up = [origin.received, gateway.sent, proxy.sent, client.seen.sent];
                let down = [
                    client.seen.received,
                    proxy.received,
                    gateway.received,
                    origin.sent,
                ];
                (!up.is_sorted() || !down.is_sorted()).then_some("more octets than were sent")
            }
            _ => {
                let same =
                    (client.seen.sent, client.seen.received) == (origin.received, origin.sent);
                (!same || !proxy.is(origin) || !gateway.is(origin)).then_some("lost octets")
            }
        }
    }

    /// The same for a request that its origin was not to see.
    fn refusal(&self, plan: Plan, client: ClientSaw, proxy: Logged) -> Option<&'static str> {
        let expected = match plan {
            Plan::Denied | Plan::NotCarried => client.status == 403,
            _ => (500..600).contains(&client.status),
        };
        if !expected {
            return Some("not the refusal that was due");
        }
        if self
            .gateway
            .is_some_and(|gateway| gateway.sent + gateway.received > 0)
        {
            return Some("the gateway has counted octets of a refused request");
        }
        (proxy.sent + proxy.received > 0).then_some("octets of a refused request were counted")
    }
}

// === impl Logged ===

impl Logged {
    const NOTHING: Self = Self {
        status: 0,
        sent: 0,
        received: 0,
    };

    /// Whether it says these bodies and a head each. What the heads were is lost in a proxy that writes its own.
    const fn is_of_bodies(&self, up: u64, down: u64) -> bool {
        self.sent > up
            && self.sent < up + HEAD
            && self.received > down
            && self.received < down + HEAD
    }

    /// Whether it says what the origin saw.
    const fn is(self, origin: Seen) -> bool {
        self.sent == origin.received && self.received == origin.sent
    }
}

// === impl Sum ===

impl Sum {
    pub(crate) const fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.up += other.up;
        self.down += other.down;
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>10} {:>17} {:>17}", self.requests, self.up, self.down)
    }
}

#[cfg(test)]
mod tests;
