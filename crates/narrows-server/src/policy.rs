//! [`Policy`]: the one place that decides what happens to a request.

use narrows_connect::Refusal;
use narrows_endpoint::{Route, RuleSet, Target};

use crate::refusals;

/// What is to happen to a request.
#[derive(Clone, Debug)]
pub enum Action {
    /// It goes by this route. [`Route::Deny`] refuses it without further words.
    Forward(Route),
    /// It is refused with this answer.
    Refuse(Refusal),
}

/// Decides what happens to a request for a target.
///
/// It is asked once for each request, before anything is resolved or dialled, and must not block.
/// Closures `Fn(&Target) -> Action` are policies, and so is a [`RuleSet`].
pub trait Policy: Send + Sync + 'static {
    /// Decides about one target.
    fn decide(&self, target: &Target) -> Action;
}

impl<F: Fn(&Target) -> Action + Send + Sync + 'static> Policy for F {
    fn decide(&self, target: &Target) -> Action {
        self(target)
    }
}

impl Policy for RuleSet {
    fn decide(&self, target: &Target) -> Action {
        let decision = Self::decide(self, target);
        match decision.route {
            Route::Deny => Action::Refuse(refusals::denied(target, &decision.reason())),
            route => Action::Forward(route),
        }
    }
}
