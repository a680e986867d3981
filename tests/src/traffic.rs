//! The log as a story: lines of one request joined by their number.

use narrows_endpoint::{Hop, Route, Step, Target};
use narrows_log::{ConnId, Event, Record, Via};

/// What the log tells of one request.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its number.
    pub id: ConnId,
    /// The target of its opening line.
    pub target: Option<Target>,
    /// The figures of its closing line.
    pub done: Option<Done>,
    /// Who ended it and why, if it did not end cleanly.
    pub ended: Option<(Hop, String)>,
    /// The wanted and the taken route, if they differ.
    pub fallback: Option<(Route, Route)>,
    /// The one line of a request that was never opened.
    pub refused: Option<Refused>,
    /// How many lines there are.
    pub lines: usize,
}

/// The closing line of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// The route taken.
    pub via: Via,
    /// Octets from client to target.
    pub sent: u64,
    /// Octets from target to client.
    pub received: u64,
}

/// The line of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What was asked for, as it was written.
    pub target: String,
    /// The status of the answer.
    pub status: u16,
    /// The party to blame.
    pub hop: Hop,
    /// What was being done.
    pub step: Step,
    /// Why.
    pub reason: String,
}

// === impl Told ===

impl Told {
    /// The closing line.
    ///
    /// # Panics
    ///
    /// When the request was refused.
    pub fn done(&self) -> Done {
        self.done
            .unwrap_or_else(|| panic!("no closing line: {self:?}"))
    }

    /// The port of its target.
    ///
    /// # Panics
    ///
    /// When there is no opening line.
    pub fn port(&self) -> u16 {
        let target = self.target.as_ref();
        target
            .unwrap_or_else(|| panic!("no opening line: {self:?}"))
            .port()
    }

    /// The refusal.
    ///
    /// # Panics
    ///
    /// When the request was served, or has more lines than that.
    pub fn refused(&self) -> &Refused {
        assert_eq!(self.lines, 1, "a refusal is one line: {self:?}");
        self.refused
            .as_ref()
            .unwrap_or_else(|| panic!("not refused: {self:?}"))
    }

    const fn new(id: ConnId) -> Self {
        Self {
            id,
            target: None,
            done: None,
            ended: None,
            fallback: None,
            refused: None,
            lines: 0,
        }
    }
}

/// The requests before the one that asked for `marker`, in the order in which they ended; `None` until
/// all of them have ended and the marker is there.
pub fn before(records: &[Record], marker: &str) -> Option<Vec<Told>> {
    let (mut finished, open) = stories(records);
    let is_marker = |told: &Told| {
        let refused = told.refused.as_ref();
        refused.is_some_and(|refused| refused.target == marker)
    };
    let at = finished.iter().position(is_marker)?;
    finished.remove(at);
    open.is_empty().then_some(finished)
}

/// The requests that have ended, in that order.
pub fn finished(records: &[Record]) -> Vec<Told> {
    stories(records).0
}

/// Ended and open requests.
fn stories(records: &[Record]) -> (Vec<Told>, Vec<Told>) {
    let mut open: Vec<Told> = Vec::new();
    let mut finished = Vec::new();
    for record in records {
        let Some(id) = id(&record.event) else {
            continue;
        };
        let at = open
            .iter()
            .position(|told| told.id == id)
            .unwrap_or_else(|| {
                open.push(Told::new(id));
                open.len() - 1
            });
        let told = &mut open[at];
        told.lines += 1;
        if tell(told, &record.event) {
            finished.push(open.remove(at));
        }
    }
    (finished, open)
}

/// Adds one line to the story; true if it is the last.
fn tell(told: &mut Told, event: &Event) -> bool {
    match event {
        Event::Open { target, .. } => told.target = Some(target.clone()),
        Event::Ended { by, reason, .. } => told.ended = Some((*by, reason.to_string())),
        Event::Fallback { wanted, took, .. } => told.fallback = Some((*wanted, *took)),
        Event::Done {
            via,
            sent,
            received,
            ..
        } => {
            told.done = Some(Done {
                via: *via,
                sent: *sent,
                received: *received,
            });
            return true;
        }
        Event::Refused {
            target,
            status,
            hop,
            step,
            reason,
            ..
        } => {
            told.refused = Some(Refused {
                target: target.to_string(),
                status: *status,
                hop: *hop,
                step: *step,
                reason: reason.to_string(),
            });
            return true;
        }
        _ => {}
    }
    false
}

const fn id(event: &Event) -> Option<ConnId> {
    match event {
        Event::Open { id, .. }
        | Event::Done { id, .. }
        | Event::Ended { id, .. }
        | Event::Fallback { id, .. }
        | Event::Refused { id, .. }
        | Event::WouldDeny { id, .. } => Some(*id),
        _ => None,
    }
}
