//! [`Recent`]: the last decisions and faults, and the names that were asked for.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use narrows_endpoint::Target;
use narrows_log::{ConnId, Via};
use narrows_server::{Ended, Opened, Refused};

use super::{unix_ms, unix_time};

mod names;

pub(crate) use names::{Names, Row};

/// More threads than this share parts.
const PARTS: usize = 16;
/// Decisions, and faults, that each part remembers.
const KEPT: usize = 512;
/// The longest text that is remembered, in octets.
const MAX_TEXT: usize = 320;

/// The last decisions and faults, and the names that were asked for; a part for each thread.
#[derive(Debug, Default)]
pub(crate) struct Recent([Mutex<Part>; PARTS]);

#[derive(Debug, Default)]
struct Part {
    decisions: Ring,
    faults: Ring,
    names: Names,
}

/// The last [`KEPT`] entries.
#[derive(Debug, Default)]
struct Ring {
    entries: Vec<Noted>,
    next: usize,
}

/// What is remembered of one request.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    pub(crate) client: SocketAddr,
    pub(crate) id: ConnId,
    pub(crate) kind: Kind,
    /// Why; empty if it was simply carried.
    pub(crate) reason: String,
    /// The text of what was asked for, if it was no target.
    pub(crate) raw: String,
    pub(crate) target: Option<Target>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Carried(Via),
    /// It was open, and did not end cleanly: who ended it.
    Broken(&'static str, Via),
    /// Party, step and status.
    Refused(&'static str, &'static str, u16),
    /// It was carried, and would not be if the policy did not only report.
    WouldDeny(Via),
}

impl Recent {
    pub(super) fn opened(&self, opened: &Opened<'_>) {
        let asked = opened.asked;
        let would_deny = opened.terms.and_then(|terms| terms.would_deny.as_deref());
        let (kind, why) = match (would_deny, opened.fallback) {
            (Some(why), _) => (Kind::WouldDeny(opened.via), why),
            (None, Some(fallback)) => (Kind::Carried(opened.via), &*fallback.reason),
            (None, None) => (Kind::Carried(opened.via), ""),
        };
        let mut part = self.part();
        part.names
            .carried(asked.target.host(), opened.via, would_deny.is_some());
        part.decisions
            .push(asked.client, asked.id, kind, Some(&asked.target), "", &why);
        if would_deny.is_some() {
            part.faults
                .push(asked.client, asked.id, kind, Some(&asked.target), "", &why);
        }
    }

    pub(super) fn ended(&self, ended: &Ended<'_>) {
        let asked = ended.asked;
        let mut part = self.part();
        part.names
            .ended(asked.target.host(), ended.sent, ended.received);
        if let Some((by, how)) = ended.blame {
            let kind = Kind::Broken(by.as_str(), ended.via);
            part.faults
                .push(asked.client, asked.id, kind, Some(&asked.target), "", how);
        }
    }

    pub(super) fn refused(&self, refused: &Refused<'_>) {
        let target = refused.asked.map(|asked| &asked.target);
        let raw = target.map_or(refused.target, |_| "");
        let (client, id) = (refused.client, refused.id);
        let kind = Kind::Refused(refused.hop.as_str(), refused.step.as_str(), refused.status);
        let mut part = self.part();
        if let Some(target) = target {
            part.names.refused(target.host());
        }
        let why = &refused.reason;
        part.decisions.push(client, id, kind, target, raw, why);
        part.faults.push(client, id, kind, target, raw, why);
    }

    /// The last decisions of all threads, newest first.
    pub(crate) fn decisions(&self, most: usize) -> Vec<Noted> {
        self.newest(most, |part| &part.decisions)
    }

    /// The last requests that were refused, would have been, or did not end cleanly; newest first.
    pub(crate) fn faults(&self, most: usize) -> Vec<Noted> {
        self.newest(most, |part| &part.faults)
    }

    /// The names that were asked for, of all threads.
    pub(crate) fn names(&self) -> Names {
        let mut all = Names::default();
        for part in &self.0 {
            all.merge(&lock(part).names);
        }
        all
    }

    fn newest(&self, most: usize, ring: impl Fn(&Part) -> &Ring) -> Vec<Noted> {
        let mut all = Vec::new();
        for part in &self.0 {
            all.extend(ring(&lock(part)).newest(most).cloned());
        }
        all.sort_by_key(|noted| std::cmp::Reverse((noted.at, noted.id)));
        all.truncate(most);
        all
    }

    /// The part of this thread.
    fn part(&self) -> MutexGuard<'_, Part> {
        lock(&self.0[own_part()])
    }
}

fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of this thread's part, the same as long as it lives.
fn own_part() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<Option<usize>> = const { Cell::new(None) };
    }
    OWN.with(|own| {
        own.get().unwrap_or_else(|| {
            let part = NEXT.fetch_add(1, Ordering::Relaxed) % PARTS;
            own.set(Some(part));
            part
        })
    })
}

impl Ring {
    fn push(
        &mut self,
        client: SocketAddr,
        id: ConnId,
        kind: Kind,
        target: Option<&Target>,
        raw: &str,
        reason: &dyn fmt::Display,
    ) {
        let noted = Noted {
            at: unix_ms(unix_time()),
            client,
            id,
            kind,
            reason: capped(reason),
            raw: capped(&raw),
            target: target.cloned(),
        };
        match self.entries.get_mut(self.next) {
            Some(old) => *old = noted,
            None => self.entries.push(noted),
        }
        self.next = (self.next + 1) % KEPT;
    }

    /// The last entries, newest first.
    fn newest(&self, most: usize) -> impl Iterator<Item = &Noted> {
        let (later, earlier) = self.entries.split_at(self.next.min(self.entries.len()));
        later.iter().rev().chain(earlier.iter().rev()).take(most)
    }
}

/// No more of a text than is remembered, in no more room than that takes: room of old entries that was used again
/// would grow to the longest text in each place.
fn capped(text: &dyn fmt::Display) -> String {
    struct Capped<'a>(&'a mut String);

    impl fmt::Write for Capped<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let room = MAX_TEXT.saturating_sub(self.0.len());
            if text.len() <= room {
                self.0.push_str(text);
                return Ok(());
            }
            let ends = text.char_indices().map(|(at, char)| at + char.len_utf8());
            let end = ends.take_while(|end| *end <= room).last();
            self.0.push_str(&text[..end.unwrap_or(0)]);
            self.0.push('…');
            // No more is wanted.
            Err(fmt::Error)
        }
    }

    let mut out = String::new();
    let _ = write!(Capped(&mut out), "{text}");
    out.shrink_to_fit();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(ring: &mut Ring, reason: &dyn fmt::Display) {
        let client = SocketAddr::from(([127, 0, 0, 1], 1));
        let id = ConnId {
            listener: 1,
            connection: 1,
        };
        ring.push(client, id, Kind::Carried(Via::Direct), None, "", reason);
    }

    #[test]
    fn rings_keep_the_newest() {
        let mut ring = Ring::default();
        for number in 0..KEPT + 3 {
            push(&mut ring, &number);
        }
        let newest: Vec<_> = ring.newest(3).map(|noted| &*noted.reason).collect();
        assert_eq!(newest, ["514", "513", "512"]);
        assert_eq!(ring.newest(usize::MAX).count(), KEPT);
        assert_eq!(ring.newest(usize::MAX).last().unwrap().reason, "3");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = capped(&"é".repeat(MAX_TEXT));
        assert_eq!(text, "é".repeat(MAX_TEXT / 2) + "…");
    }

    #[test]
    fn entries_take_no_more_room_than_their_texts() {
        let mut ring = Ring::default();
        for length in (0..MAX_TEXT).chain([0; KEPT]) {
            push(&mut ring, &"x".repeat(length));
            let room = ring.newest(1).next().unwrap().reason.capacity();
            assert_eq!(room, length);
        }
    }
}
