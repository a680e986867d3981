//! Who may come in: client ranges, and limits in total and for each client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::settings::Settings;

/// Refused clients that may be told so at the same time. Beyond it a connection is closed without a
/// word, so that a flood of refusals costs no more than this many descriptors.
const REFUSALS: usize = 256;

/// Counts who is in.
#[derive(Debug)]
pub(crate) struct Admission {
    total: AtomicUsize,
    limit: AtomicUsize,
    refusing: AtomicUsize,
    per_client: PerClient,
}

#[derive(Debug)]
struct PerClient {
    /// [`UNLIMITED`] where nobody is counted.
    limit: AtomicUsize,
    counts: Mutex<HashMap<IpAddr, usize>>,
}

/// A place in the server; dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Arc<Admission>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Served, and counted for its client.
    Counted(IpAddr),
    Refusal,
    Served,
}

/// No limit for each client.
const UNLIMITED: usize = usize::MAX;

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The client has as many connections as one client may have.
    Client(usize),
    /// The server has as many connections as it may have.
    Total(usize),
}

impl Admission {
    pub(crate) fn new(settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            total: AtomicUsize::new(0),
            limit: AtomicUsize::new(settings.tunnels),
            refusing: AtomicUsize::new(0),
            per_client: PerClient {
                limit: AtomicUsize::new(settings.tunnels_per_client.unwrap_or(UNLIMITED)),
                counts: Mutex::default(),
            },
        })
    }

    /// Takes other limits. Who is in stays in, and those of a client that came while there was no limit
    /// for each are not counted.
    pub(crate) fn resize(&self, settings: &Settings) {
        self.limit.store(settings.tunnels, Ordering::Relaxed);
        let per_client = settings.tunnels_per_client.unwrap_or(UNLIMITED);
        self.per_client.limit.store(per_client, Ordering::Relaxed);
    }

    /// A place to be served.
    pub(crate) fn enter(self: &Arc<Self>, client: IpAddr) -> Result<Place, Full> {
        let limit = self.limit.load(Ordering::Relaxed);
        if !take(&self.total, limit) {
            return Err(Full::Total(limit));
        }
        let kind = match self.per_client.limit.load(Ordering::Relaxed) {
            UNLIMITED => Kind::Served,
            limit if self.per_client.take(client, limit) => Kind::Counted(client),
            limit => {
                self.total.fetch_sub(1, Ordering::Relaxed);
                return Err(Full::Client(limit));
            }
        };
        Ok(Place {
            admission: Arc::clone(self),
            kind,
        })
    }

    /// A place to be refused in; `None` when too many are being refused already.
    pub(crate) fn enter_refusal(self: &Arc<Self>) -> Option<Place> {
        take(&self.refusing, REFUSALS).then(|| Place {
            admission: Arc::clone(self),
            kind: Kind::Refusal,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        match self.kind {
            Kind::Counted(client) => {
                self.admission.total.fetch_sub(1, Ordering::Relaxed);
                self.admission.per_client.give_back(client);
            }
            Kind::Refusal => {
                self.admission.refusing.fetch_sub(1, Ordering::Relaxed);
            }
            Kind::Served => {
                self.admission.total.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

impl PerClient {
    fn take(&self, client: IpAddr, limit: usize) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever is refused leaves no entry, even where the limit is 0.
        let count = counts.get(&client).copied().unwrap_or(0);
        let free = count < limit;
        if free {
            counts.insert(client, count + 1);
        }
        free
    }

    fn give_back(&self, client: IpAddr) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&client);
            }
        }
    }
}

fn take(counter: &AtomicUsize, limit: usize) -> bool {
    counter
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
            (count < limit).then_some(count + 1)
        })
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(total: usize, per_client: Option<usize>) -> Arc<Admission> {
        Admission::new(&Settings {
            tunnels: total,
            tunnels_per_client: per_client,
            ..Settings::default()
        })
    }

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const TWO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn a_limit_of_nothing_refuses_everybody_and_remembers_nobody() {
        let admission = admission(10, Some(0));
        assert_eq!(admission.enter(ONE).unwrap_err(), Full::Client(0));
        assert_eq!(admission.enter(TWO).unwrap_err(), Full::Client(0));
        assert!(admission.per_client.counts.lock().unwrap().is_empty());
    }

    #[test]
    fn places_come_back() {
        let admission = admission(2, None);
        let first = admission.enter(ONE).unwrap();
        let _second = admission.enter(ONE).unwrap();
        assert_eq!(admission.enter(TWO).unwrap_err(), Full::Total(2));
        drop(first);
        assert!(admission.enter(TWO).is_ok());
    }

    #[test]
    fn one_client_does_not_take_all() {
        let admission = admission(10, Some(1));
        let first = admission.enter(ONE).unwrap();
        assert_eq!(admission.enter(ONE).unwrap_err(), Full::Client(1));
        let _other = admission.enter(TWO).unwrap();
        drop(first);
        assert!(admission.enter(ONE).is_ok());
        assert_eq!(admission.total.load(Ordering::Relaxed), 1);
        assert_eq!(admission.per_client.counts.lock().unwrap().len(), 1);
    }

    #[test]
    fn other_limits_turn_nobody_out() {
        let admission = admission(10, None);
        let early = [ONE, ONE].map(|client| admission.enter(client).unwrap());
        admission.resize(&Settings {
            tunnels: 3,
            tunnels_per_client: Some(1),
            ..Settings::default()
        });
        let counted = admission.enter(ONE).unwrap();
        assert_eq!(admission.enter(TWO).unwrap_err(), Full::Total(3));
        drop(early);
        assert_eq!(admission.enter(ONE).unwrap_err(), Full::Client(1));
        admission.resize(&Settings::default());
        let uncounted = admission.enter(ONE).unwrap();
        drop((counted, uncounted));
        assert_eq!(admission.total.load(Ordering::Relaxed), 0);
        assert!(admission.per_client.counts.lock().unwrap().is_empty());
    }

    #[test]
    fn threads_that_come_and_go_leave_no_place_taken() {
        let comings = if cfg!(miri) { 20 } else { 2000 };
        let admission = admission(3, Some(1));
        let inside = [ONE, TWO].map(|client| (client, AtomicUsize::new(0)));
        std::thread::scope(|scope| {
            for (client, inside) in inside.iter().chain(&inside) {
                scope.spawn(|| {
                    for _ in 0..comings {
                        let Ok(_place) = admission.enter(*client) else {
                            std::thread::yield_now();
                            continue;
                        };
                        assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                        inside.fetch_sub(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(admission.total.load(Ordering::Relaxed), 0);
        assert!(admission.per_client.counts.lock().unwrap().is_empty());
        // All of them are to be had again.
        let [_one, _two] = [ONE, TWO].map(|client| admission.enter(client).unwrap());
    }

    #[test]
    fn refusals_are_bounded() {
        let admission = admission(0, None);
        let places: Vec<_> = std::iter::from_fn(|| admission.enter_refusal()).collect();
        assert_eq!(places.len(), REFUSALS);
        drop(places);
        assert!(admission.enter_refusal().is_some());
    }
}
