use proptest::prelude::*;

use super::*;
use crate::{Limits, Status, parse_response};

#[test]
fn refusal_with_everything() {
    let refusal = Refusal {
        error: Some(ProxyError::ConnectionLimitReached),
        next_hop: Some("proxy.corp:3128".into()),
        challenge: Some("Basic realm=\"narrows\"".into()),
        retry_after: Some(5),
        ..Refusal::new(503, "say \"friend\"\\é\nand enter")
    };
    assert_eq!(
        String::from_utf8(refusal.encode("narrows")).unwrap(),
        "HTTP/1.1 503 Service Unavailable\r\n\
         Proxy-Status: narrows; error=connection_limit_reached; next-hop=\"proxy.corp:3128\"; \
         details=\"say \\\"friend\\\"\\\\??and enter\"\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Content-Length: 26\r\n\
         Connection: close\r\n\
         Proxy-Authenticate: Basic realm=\"narrows\"\r\n\
         Retry-After: 5\r\n\
         \r\n\
         say \"friend\"\\é and enter\n"
    );
}

#[test]
fn bare_refusal() {
    let refusal = Refusal::new(403, "no");
    assert_eq!(
        String::from_utf8(refusal.encode("my proxy")).unwrap(),
        "HTTP/1.1 403 Forbidden\r\nProxy-Status: \"my proxy\"; details=\"no\"\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n"
    );
    assert_eq!(Refusal::new(200, "").status(), 500);
}

#[test]
fn error_types_are_tokens_with_error_statuses() {
    for error in ProxyError::ALL {
        assert!(is_token(error.as_str()));
        assert!((400..600).contains(&error.status()), "{error}");
    }
}

proptest! {
    #[test]
    fn nothing_can_be_injected(
        status: u16,
        detail: String,
        next_hop: Option<String>,
        challenge: Option<String>,
        server: String,
    ) {
        let refusal = Refusal { next_hop, challenge, ..Refusal::new(status, detail) };
        let bytes = refusal.encode(&server);
        let limits = Limits { max_bytes: usize::MAX, ..Limits::default() };
        let Ok(Status::Complete(response)) = parse_response(&bytes, &limits) else {
            return Err(TestCaseError::fail(String::from_utf8_lossy(&bytes).into_owned()));
        };
        let head = std::str::from_utf8(&bytes[..response.len]).unwrap();
        prop_assert_eq!(head.lines().count(), 6 + usize::from(refusal.challenge.is_some()));
        prop_assert!(head.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n')));
        prop_assert_eq!(response.content_length, Some((bytes.len() - response.len) as u64));
        let body = std::str::from_utf8(&bytes[response.len..]).unwrap();
        prop_assert_eq!(body.lines().count(), 1);
        prop_assert!(body.ends_with('\n'));
    }
}
