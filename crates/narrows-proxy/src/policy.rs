//! [`RulePolicy`]: the rules as the server asks them, and what becomes of a denial in report-only mode.

use std::sync::Arc;

use narrows_endpoint::{RuleError, RuleSet};
use narrows_server::{Action, Grant, Policy, Request, Terms};

use crate::rules::{lenient_rule_set, rule_set};
use crate::settings::Settings;

/// The rules as the server asks them.
///
/// In report-only mode a denied target takes the route that it would take without any denial, and the grant
/// says why it would have been refused. What is not a rule stays in force: the proxy's own listeners, ranges
/// of clients, limits.
#[derive(Clone, Debug)]
pub struct RulePolicy {
    rules: Arc<RuleSet>,
    /// The rules without denials, in report-only mode.
    lenient: Option<Arc<RuleSet>>,
}

// === impl RulePolicy ===

impl RulePolicy {
    /// The policy that settings describe.
    ///
    /// # Errors
    ///
    /// More rules than can be counted.
    pub fn new(settings: &Settings) -> Result<Self, RuleError> {
        let lenient = match settings.report_only {
            true => Some(Arc::new(lenient_rule_set(settings)?)),
            false => None,
        };
        Ok(Self {
            rules: Arc::new(rule_set(settings)?),
            lenient,
        })
    }

    /// The rules, denials among them.
    pub const fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }
}

impl Policy for RulePolicy {
    type Connection = ();

    fn decide(&self, request: &Request<'_, ()>) -> Action {
        let action = Policy::decide(&*self.rules, request);
        match (action, &self.lenient) {
            (Action::Refuse(refusal), Some(lenient)) => {
                let route = RuleSet::decide(lenient, request.target).route;
                Action::Forward(Grant::new(route).with_terms(Terms {
                    would_deny: Some(refusal.detail.into()),
                    ..Terms::default()
                }))
            }
            (action, _) => action,
        }
    }
}
