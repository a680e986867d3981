//! What one-line formats say, in the words of a summary.

use std::borrow::Cow;
use std::num::NonZeroU16;

use narrows_endpoint::Target;

use super::names::End;
use super::{Way, name_of};
use crate::access::Access;

/// The target: of CONNECT as it stands, of plain HTTP out of its URL.
pub(super) fn name(access: &Access) -> Cow<'_, str> {
    let (scheme, rest) = match access.target.split_once("://") {
        Some((scheme, rest)) if access.method.as_str() != "CONNECT" => (scheme, rest),
        _ => return name_of(&access.target),
    };
    let port = if scheme == "http" { HTTP } else { HTTPS };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match Target::with_default_port(authority, port) {
        Ok(target) => target.to_string().into(),
        Err(_) => name_of(&access.target),
    }
}

/// Why it failed, if it did.
pub(super) fn failure(access: &Access) -> Option<String> {
    if let Some(fault) = &access.fault {
        let (by, step, reason) = (fault.by, fault.step, &fault.reason);
        return Some(format!("{} {by}/{step}: {reason}", access.status));
    }
    let result = access.result.as_deref().unwrap_or_default();
    let failed = !(100..400).contains(&access.status) || result.contains("DENIED");
    failed.then(|| match result {
        "" => format!("status {:03}", access.status),
        result => format!("{result}/{:03}", access.status),
    })
}

/// How it went.
pub(super) fn end(access: &Access) -> End {
    let failed = failure(access).is_some();
    let way = match access.via {
        Some(via) => via.into(),
        None if failed => Way::Refused,
        None => Way::Unsaid,
    };
    End {
        bytes: [access.sent.unwrap_or_default(), access.received],
        elapsed_ms: access.elapsed_ms,
        failed,
        way,
    }
}

const HTTP: NonZeroU16 = NonZeroU16::new(80).unwrap();
const HTTPS: NonZeroU16 = NonZeroU16::new(443).unwrap();
