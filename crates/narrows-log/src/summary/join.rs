//! Requests that wait for the line of their end.

use std::collections::HashMap;

use super::names::Key;
use crate::words::ConnId;

/// A request without its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    /// A line has said that it does not end cleanly.
    pub(super) failed: bool,
    pub(super) key: Key,
    pub(super) start_ms: i64,
}

/// Requests without an end, in two ages: when the younger is full, the older is given up.
#[derive(Clone, Debug, Default)]
pub(super) struct Pendings {
    old: HashMap<ConnId, Pending>,
    young: HashMap<ConnId, Pending>,
}

impl Pendings {
    /// Keeps a request; gives the number of those given up for it. A known number is a new request:
    /// the process was started again.
    pub(super) fn insert(&mut self, id: ConnId, pending: Pending) -> u64 {
        let mut lost = 0;
        if self.young.len() >= MAX_AGE {
            lost = self.old.len();
            self.old = std::mem::take(&mut self.young);
        }
        let again = self
            .young
            .insert(id, pending)
            .or_else(|| self.old.remove(&id));
        lost as u64 + u64::from(again.is_some())
    }

    pub(super) fn remove(&mut self, id: ConnId) -> Option<Pending> {
        self.young.remove(&id).or_else(|| self.old.remove(&id))
    }

    pub(super) fn fail(&mut self, id: ConnId) {
        let pending = match self.young.get_mut(&id) {
            Some(pending) => Some(pending),
            None => self.old.get_mut(&id),
        };
        if let Some(pending) = pending {
            pending.failed = true;
        }
    }

    pub(super) fn len(&self) -> u64 {
        (self.young.len() + self.old.len()) as u64
    }
}

/// The most requests of one age: as many as a proxy has ports for.
const MAX_AGE: usize = 65_536;
