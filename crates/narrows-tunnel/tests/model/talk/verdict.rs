//! What must have come of a talk, whatever the order in which things happened.

use std::io::ErrorKind;

use narrows_tunnel::{End, Side};

use super::Course;
use super::peer::{Heard, Played};
use super::plan::{Ending, PeerPlan, Plan};

/// Everything that is to be said of one direction.
struct Direction<'a> {
    sender: &'a PeerPlan,
    said: u64,
    receiver: &'a PeerPlan,
    heard: &'a Played,
    count: u64,
}

pub(super) fn judge(plan: &Plan, course: &Course) -> Result<(), String> {
    let [sent, received, spliced] = course.counts;
    let (up, down) = (
        Direction {
            sender: &plan.client,
            said: course.client.said,
            receiver: &plan.far,
            heard: &course.far,
            count: sent,
        },
        Direction {
            sender: &plan.far,
            said: course.far.said,
            receiver: &plan.client,
            heard: &course.client,
            count: received,
        },
    );
    for direction in [&up, &down] {
        direction.judge(course.end)?;
    }
    let tls = plan.client.tls.is_some() || plan.far.tls.is_some();
    hold(spliced == 0 || (plan.splice && !tls), "spliced")?;
    judge_end(plan, course.end)
}

fn hold(right: bool, what: &str) -> Result<(), String> {
    if right {
        Ok(())
    } else {
        Err(format!("wrong: {what}"))
    }
}

fn judge_end(plan: &Plan, end: End) -> Result<(), String> {
    let faulty = |side| plan.peer(side).ending != Ending::Fin;
    hold(
        match end {
            // Whoever ends without a word inside TLS has not ended.
            End::Closed => plan.client.may_end_well() && plan.far.may_end_well(),
            End::Failed { side, kind } => {
                let cut = plan.peer(side).ending == Ending::Cut && plan.peer(side).tls.is_some();
                cut && kind == ErrorKind::UnexpectedEof
            }
            End::Reset { by } => faulty(by),
            End::Expired | End::Idle => false,
        },
        "how it ended",
    )?;
    let both_fin = !faulty(Side::Client) && !faulty(Side::Far);
    hold(
        !both_fin || end == End::Closed,
        "both ended well, and it did not",
    )
}

impl PeerPlan {
    /// Whether whoever listens to it may be told that this was all.
    pub(super) fn may_end_well(&self) -> bool {
        match self.ending {
            Ending::Cut => self.tls.is_none(),
            Ending::Fin | Ending::FinReset(_) => true,
            Ending::Reset => false,
        }
    }
}

impl Direction<'_> {
    fn judge(&self, end: End) -> Result<(), String> {
        let Played {
            heard, end: ended, ..
        } = self.heard;
        hold(
            !matches!(ended, Heard::Wrong(_)),
            "other octets than were said",
        )?;
        hold(*heard <= self.count, "more was heard than counted")?;
        hold(self.count <= self.said, "more was counted than said")?;
        let all = self.sender.whole();
        if *ended == Heard::Fin {
            hold(self.sender.may_end_well(), "half of it looked whole")?;
            hold(*heard == all, "it ended before all was heard")?;
        }
        if end == End::Closed {
            hold(self.count == all, "not all was counted, and it ended well")?;
        }
        // Whoever listens to the end of what is reset learns of it.
        if !self.sender.may_end_well() && self.receiver.ending == Ending::Fin {
            hold(
                matches!(ended, Heard::Broke(_)),
                "the reset was not passed on",
            )?;
        }
        let clean = self.sender.ending == Ending::Fin && self.receiver.ending == Ending::Fin;
        hold(!clean || *ended == Heard::Fin, "the end was not passed on")
    }
}
