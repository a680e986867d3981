//! [`GatewayJudge`]: whether an address may be dialled for one request.

use std::net::IpAddr;
use std::sync::Arc;

use narrows_endpoint::Target;
use narrows_upstream::{Denied, Judge};

use crate::carries::Carries;
use crate::own::Own;

/// Judges the addresses of one request's target: not the server itself, and nothing inner that its rule
/// does not name.
#[derive(Debug)]
pub(crate) struct GatewayJudge {
    pub(crate) carries: Arc<Carries>,
    /// Who asks, for the one record of a refusal.
    pub(crate) identity: Arc<str>,
    pub(crate) own: Arc<Own>,
}

impl Judge for GatewayJudge {
    fn judge(&self, target: &Target, address: IpAddr) -> Result<(), Denied> {
        let denied = |what: &str| Err(Denied::new(format!("{what} (asked by {})", self.identity)));
        if let Err(class) = self.carries.address(target, address) {
            return denied(&format!(
                "denied address class {class}, which no rule of this gateway names"
            ));
        }
        if self.own.is_at(address, target.port()) {
            return denied("this gateway itself is there");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use narrows_endpoint::{Catalogue, Source};

    use super::*;

    #[test]
    fn own_listeners_are_denied_where_loopback_is_allowed() {
        let features = [
            "localhost:8443 in 127.0.0.0/8".parse().unwrap(),
            "localhost:9000 in 127.0.0.0/8".parse().unwrap(),
        ];
        let features = features.iter().map(|feature| (feature, Source::BuiltIn));
        let judge = GatewayJudge {
            carries: Arc::new(Carries::compile(features, Catalogue::built_in()).unwrap()),
            identity: "token:alice".into(),
            own: Arc::new(Own {
                listeners: vec!["0.0.0.0:8443".parse().unwrap()],
                ..Own::default()
            }),
        };
        let judged = |target: &str, address: &str| {
            let target: Target = target.parse().unwrap();
            judge.judge(&target, address.parse().unwrap())
        };
        let denied = judged("localhost:8443", "127.0.0.1").unwrap_err();
        assert!(denied.reason().contains("itself"), "{denied}");
        assert_eq!(judged("localhost:9000", "127.0.0.1"), Ok(()));
        let denied = judged("localhost:9000", "169.254.169.254").unwrap_err();
        assert_eq!(
            denied.reason(),
            "denied address class cloud metadata, which no rule of this gateway names (asked by token:alice)"
        );
    }
}
