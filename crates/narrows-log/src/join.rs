//! [`Joiner`]: the lines of a request into one.

use std::collections::HashMap;

use narrows_endpoint::Step;

use crate::access::{Access, AccessFallback, AccessFault};
use crate::event::Event;
use crate::record::Record;
use crate::words::ConnId;

/// Joins the several lines that arcproxy has for a request.
///
/// A number that comes again, as after a restart, begins a new request. Of more than 131 072 open requests
/// the older half is given up.
///
/// # Examples
///
/// ```
/// use narrows_log::{Joined, Joiner, Via};
///
/// let mut joiner = Joiner::default();
/// let open = "time=2024-07-17T04:28:34.776-07:00 level=INFO msg=\"P:2:C:14 127.0.0.1:50089 --> je.his.arc.azure.com:443 on HTTP-1.1\"";
/// let done = "time=2024-07-17T04:28:36.280-07:00 level=INFO msg=\"P:2:C:14 done via gatewayh1 bytes ->:2290, <-:5576\"";
/// assert!(matches!(joiner.add(&open.parse()?), Joined::Part));
/// let Joined::Whole(access) = joiner.add(&done.parse()?) else { unreachable!() };
/// assert_eq!((access.via, access.elapsed_ms), (Some(Via::GatewayH1), Some(1504)));
/// # Ok::<(), narrows_log::RecordError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Joiner {
    given_up: u64,
    old: HashMap<ConnId, Access>,
    young: HashMap<ConnId, Access>,
}

/// What a line was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Joined {
    /// The end of a request whose beginning was not seen.
    End(Box<Access>),
    /// No part of a request.
    Other,
    /// Part of a request that has not ended.
    Part,
    /// The last line of a request; this is all of it.
    Whole(Box<Access>),
}

impl Joiner {
    /// Adds a line.
    pub fn add(&mut self, record: &Record) -> Joined {
        match &record.event {
            Event::Open {
                client,
                id,
                target,
                version,
            } => {
                let mut access = Access::new(record.time, client.to_string());
                access.id = Some(*id);
                access.method = "CONNECT".into();
                access.target = target.to_string().into();
                access.version = Some(*version);
                self.open(*id, access);
                Joined::Part
            }
            Event::Ended { by, id, reason } => {
                let fault = AccessFault {
                    by: *by,
                    reason: reason.clone(),
                    step: Step::Relay,
                };
                self.change(*id, |access| access.fault = Some(fault))
            }
            Event::Fallback {
                id,
                reason,
                took,
                wanted,
                ..
            } => {
                let fallback = AccessFallback {
                    reason: reason.clone(),
                    took: *took,
                    wanted: *wanted,
                };
                self.change(*id, |access| access.fallback = Some(fallback))
            }
            Event::Done { .. } => self.done(record),
            Event::Refused { .. } => Joined::Whole(Box::new(refused(record))),
            _ => Joined::Other,
        }
    }

    /// Requests without an end so far, those that were given up among them.
    pub fn open_requests(&self) -> u64 {
        self.given_up + (self.old.len() + self.young.len()) as u64
    }

    fn open(&mut self, id: ConnId, access: Access) {
        if self.young.len() >= MAX_AGE {
            self.given_up += self.old.len() as u64;
            self.old = std::mem::take(&mut self.young);
        }
        let again = self.young.insert(id, access);
        let again = again.or_else(|| self.old.remove(&id));
        self.given_up += u64::from(again.is_some());
    }

    fn change(&mut self, id: ConnId, change: impl FnOnce(&mut Access)) -> Joined {
        let open = match self.young.get_mut(&id) {
            Some(access) => Some(access),
            None => self.old.get_mut(&id),
        };
        if let Some(access) = open {
            change(access);
        }
        Joined::Part
    }

    fn done(&mut self, record: &Record) -> Joined {
        let Event::Done {
            id,
            sent,
            received,
            via,
        } = &record.event
        else {
            return Joined::Other;
        };
        let open = self.young.remove(id).or_else(|| self.old.remove(id));
        let known = open.is_some();
        let mut access = open.unwrap_or_else(|| Access::new(record.time, ""));
        let ms = record.time.unix_ms() - access.time.unix_ms();
        // A clock that was set back leaves no duration.
        access.elapsed_ms = known.then(|| u64::try_from(ms).ok()).flatten();
        access.id = Some(*id);
        access.received = *received;
        access.sent = Some(*sent);
        access.status = 200;
        access.time = record.time;
        access.via = Some(*via);
        if known {
            Joined::Whole(Box::new(access))
        } else {
            Joined::End(Box::new(access))
        }
    }
}

fn refused(record: &Record) -> Access {
    let mut access = Access::new(record.time, "");
    if let Event::Refused {
        client,
        hop,
        id,
        reason,
        status,
        step,
        target,
    } = &record.event
    {
        access.client = client.to_string().into();
        access.fault = Some(AccessFault {
            by: *hop,
            reason: reason.clone(),
            step: *step,
        });
        access.id = Some(*id);
        access.status = *status;
        access.target = target.clone();
    }
    access
}

/// The most requests of one age.
const MAX_AGE: usize = 65_536;
