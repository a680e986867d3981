//! [`Setup`]: what a request is judged and carried by; replaced as a whole while serving.

use std::net::SocketAddr;

use narrows_connect::ProxyAuthorization;

use crate::egress::Egress;
use crate::observe::Asked;
use crate::policy::{Action, Grant, Policy, Request};
use crate::refusals::{self, Failure};
use crate::settings::Settings;

/// What a request is judged and carried by.
///
/// A request takes it once, when its head is there, and keeps it until it is open or refused: none is
/// judged by one and carried by another. What is open holds none, so that a long tunnel keeps no old
/// rules in memory.
pub(crate) struct Setup<P> {
    pub(crate) egress: Egress,
    /// 1 for the one that a server began with; one more for each that replaced it.
    pub(crate) generation: u64,
    pub(crate) policy: P,
    pub(crate) settings: Settings,
}

impl<P: Policy> Setup<P> {
    /// Asks the policy, unless the client may not use the server at all, or not any more.
    pub(crate) fn decide(
        &self,
        asked: &Asked,
        authorization: Option<&ProxyAuthorization>,
        connection: &P::Connection,
    ) -> Result<Grant, Failure> {
        let (client, target) = (asked.client, &asked.target);
        self.admits(client)?;
        match self.policy.decide(&Request {
            authorization,
            client,
            connection,
            target,
        }) {
            Action::Forward(grant) => Ok(grant),
            Action::Refuse(refusal) => Err(Failure::policy(refusal)),
        }
    }

    /// Whether a client may use the server at all.
    pub(crate) fn admits(&self, client: SocketAddr) -> Result<(), Failure> {
        match self.settings.serves(client.ip()) {
            true => Ok(()),
            false => Err(refusals::stranger()),
        }
    }
}
