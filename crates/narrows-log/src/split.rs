//! [`Access::to_records`]: a request in one line into arcproxy's several.

use std::net::{IpAddr, SocketAddr};

use narrows_endpoint::{Hop, Step, Target};

use crate::access::Access;
use crate::event::Event;
use crate::record::Record;
use crate::timestamp::Timestamp;
use crate::words::{ConnId, HttpVersion};

/// Why a request has no place in arcproxy's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// The client is a name.
    #[error("the client is no address")]
    Client,
    /// What was carried is no host and port.
    #[error("the target is no host and port")]
    Target,
    /// Nothing says whether it went through the gateway, the proxy or directly.
    #[error("the way it took is not said")]
    Way,
}

impl Access {
    /// The lines that arcproxy would have written for this request: one if it was refused, else its
    /// beginning, what happened to it, and its end. `id` joins them where the request has none of its own.
    ///
    /// # Errors
    ///
    /// [`SplitError`] if arcproxy's form has no place for it.
    pub fn to_records(&self, id: ConnId) -> Result<Vec<Record>, SplitError> {
        let id = self.id.unwrap_or(id);
        let client = address(&self.client).ok_or(SplitError::Client)?.into();
        let Some(via) = self.via else {
            return self
                .refusal(id, client)
                .map(|event| vec![Record::new(self.time, event)]);
        };
        let target: Target = self.target.parse().map_err(|_| SplitError::Target)?;
        let elapsed = i64::try_from(self.elapsed_ms.unwrap_or_default()).unwrap_or(i64::MAX);
        let start = Timestamp::new(
            self.time.unix_ms().saturating_sub(elapsed),
            self.time.offset_seconds(),
        );
        let open = Event::Open {
            client,
            id,
            target: target.clone(),
            version: self.version.unwrap_or(HttpVersion::Http11),
        };
        let mut records = vec![Record::new(start, open)];
        if let Some(fallback) = &self.fallback {
            let event = Event::Fallback {
                id,
                reason: fallback.reason.clone(),
                target,
                took: fallback.took,
                wanted: fallback.wanted,
            };
            records.push(Record::new(start, event));
        }
        if let Some(fault) = &self.fault {
            let (by, reason) = (fault.by, fault.reason.clone());
            records.push(Record::new(self.time, Event::Ended { by, id, reason }));
        }
        let done = Event::Done {
            id,
            sent: self.sent.unwrap_or_default(),
            received: self.received,
            via,
        };
        records.push(Record::new(self.time, done));
        Ok(records)
    }

    fn refusal(&self, id: ConnId, client: crate::Address) -> Result<Event, SplitError> {
        let result = self.result.as_deref().unwrap_or_default();
        let (hop, step, reason) = match &self.fault {
            Some(fault) => (fault.by, fault.step, fault.reason.clone()),
            None if (100..400).contains(&self.status) && !result.contains("DENIED") => {
                return Err(SplitError::Way);
            }
            // In a foreign log it is the proxy that speaks.
            None => (Hop::Proxy, Step::Decide, result.into()),
        };
        Ok(Event::Refused {
            client,
            hop,
            id,
            reason,
            status: self.status,
            step,
            target: self.target.clone(),
        })
    }
}

/// An address with a port, or without; that has port 0.
fn address(text: &str) -> Option<SocketAddr> {
    let alone = || Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, 0));
    text.parse().ok().or_else(alone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::AccessFormat;
    use crate::join::{Joined, Joiner};

    const ID: ConnId = ConnId {
        listener: 1,
        connection: 7,
    };

    #[track_caller]
    fn comes_back(line: &str) {
        let access = Access::parse(AccessFormat::Json, line).unwrap();
        let mut joiner = Joiner::default();
        let mut last = Joined::Other;
        for record in access.to_records(ID).unwrap() {
            let text = record.to_string();
            last = joiner.add(&text.parse().unwrap());
        }
        assert_eq!(last, Joined::Whole(Box::new(access)), "{line}");
        assert_eq!(joiner.open_requests(), 0);
    }

    #[test]
    fn what_is_split_joins_to_the_same() {
        comes_back(
            r#"{"time":"2024-07-17T04:14:46.339Z","id":"P:1:C:2","client":"127.0.0.1:4","method":"CONNECT","target":"a.example:443","version":"HTTP-1.1","status":200,"via":"gatewayh1","elapsed_ms":1500,"sent":3,"received":4,"fault":{"by":"target","step":"relay","reason":"reset"},"fallback":{"wanted":"gateway","took":"direct","reason":"no \"gateway\""}}"#,
        );
        comes_back(
            r#"{"time":"2024-07-17T04:14:46.339Z","id":"P:1:C:2","client":"127.0.0.1:4","method":"","target":"evil\u0000","status":403,"received":0,"fault":{"by":"narrows","step":"decide","reason":"no"}}"#,
        );
    }

    #[test]
    fn a_number_that_comes_again_is_a_new_request() {
        let open = |target: &str| -> Record {
            format!("time=2024-07-17T04:14:46.339Z level=INFO msg=\"P:1:C:2 127.0.0.1:4 --> {target}:443 on HTTP-1.1\"").parse().unwrap()
        };
        let done = "time=2024-07-17T04:14:46.439Z level=INFO msg=\"P:1:C:2 done via proxy bytes ->:1, <-:2\"";
        let mut joiner = Joiner::default();
        joiner.add(&open("a.example"));
        joiner.add(&open("b.example"));
        let Joined::Whole(access) = joiner.add(&done.parse().unwrap()) else {
            panic!("no request");
        };
        assert_eq!(&*access.target, "b.example:443");
        assert_eq!(joiner.open_requests(), 1);
        assert!(matches!(joiner.add(&done.parse().unwrap()), Joined::End(_)));
    }

    #[test]
    fn foreign_lines_are_split_as_far_as_they_say_enough() {
        let squid = |line: &str| {
            let access = Access::parse(AccessFormat::Squid, line).unwrap();
            access.to_records(ID).map(|records| {
                let lines = records.iter().map(ToString::to_string);
                lines.collect::<Vec<_>>().join("\n")
            })
        };
        let tunnel = "1795288236.129 1000 127.0.0.1 TCP_TUNNEL/200 46 CONNECT a.example:443 - HIER_DIRECT/192.0.2.1 -";
        let lines = squid(tunnel).unwrap();
        assert!(
            lines.contains(":35.129Z") && lines.contains(":36.129Z"),
            "{lines}"
        );
        assert!(
            lines.contains("P:1:C:7 127.0.0.1:0 --> a.example:443"),
            "{lines}"
        );
        let denied =
            "1795288236.129 0 127.0.0.1 TCP_DENIED/403 46 CONNECT a.example:443 - HIER_NONE/- -";
        let lines = squid(denied).unwrap();
        assert!(
            lines.contains("refused 403 proxy/decide: TCP_DENIED"),
            "{lines}"
        );
        let cached = "1795288236.129 0 127.0.0.1 TCP_MEM_HIT/200 46 GET http://a/ - HIER_NONE/- -";
        assert_eq!(squid(cached), Err(SplitError::Way));
        let named = "1795288236.129 0 laptop TCP_DENIED/403 46 CONNECT a:443 - HIER_NONE/- -";
        assert_eq!(squid(named), Err(SplitError::Client));
    }
}
