//! [`RulePolicy`]: the rules as the server asks them, what becomes of a denial in report-only mode, and the
//! judge of addresses for clients on other machines.

use std::net::SocketAddr;
use std::sync::Arc;

use narrows_endpoint::{RuleError, RuleSet};
use narrows_server::{Action, Grant, Policy, Request, Terms};
use narrows_upstream::Judge;

use crate::reach::Reach;
use crate::rules::{lenient_rule_set, rule_set};
use crate::settings::Settings;

/// The rules as the server asks them.
///
/// In report-only mode a denied target takes the route that it would take without any denial, and the grant
/// says why it would have been refused. What is not a rule stays in force: the proxy's own listeners, ranges
/// of clients, where clients on other machines may be led, limits.
#[derive(Clone, Debug)]
pub struct RulePolicy {
    rules: Arc<RuleSet>,
    /// The rules without denials, in report-only mode.
    lenient: Option<Arc<RuleSet>>,
    /// For clients on other machines.
    reach: Arc<Reach>,
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
            reach: Arc::new(settings.reach.clone()),
        })
    }

    /// The rules, denials among them.
    pub const fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// Whether somebody else has the rules too.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.rules) > 1
    }

    /// What has a say on the addresses that are dialled for this client.
    fn judge(&self, client: SocketAddr) -> Option<Arc<dyn Judge>> {
        Reach::holds(client).then(|| Arc::clone(&self.reach) as Arc<dyn Judge>)
    }
}

impl Policy for RulePolicy {
    type Connection = ();

    fn decide(&self, request: &Request<'_, ()>) -> Action {
        let action = Policy::decide(&*self.rules, request);
        let (route, would_deny) = match (action, &self.lenient) {
            (Action::Forward(grant), _) => (grant.route, None),
            (Action::Refuse(refusal), Some(lenient)) => {
                let route = RuleSet::decide(lenient, request.target).route;
                (route, Some(refusal.detail.into()))
            }
            (refused, None) => return refused,
        };
        let judge = self.judge(request.client);
        let grant = Grant::new(route);
        Action::Forward(match judge.is_some() || would_deny.is_some() {
            false => grant,
            true => grant.with_terms(Terms {
                judge,
                would_deny,
                ..Terms::default()
            }),
        })
    }
}
