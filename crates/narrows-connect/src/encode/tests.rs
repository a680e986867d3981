use proptest::prelude::*;

use super::*;
use crate::{Limits, Status, parse_request, parse_response};

fn encode(target: &str, credentials: Option<&Credentials>) -> BytesMut {
    let mut head = BytesMut::new();
    encode_request(&target.parse().unwrap(), credentials, &mut head);
    head
}

#[test]
fn credentials_stand_after_host() {
    let credentials = Credentials::new("u", "p").unwrap();
    assert_eq!(
        encode("[2001:DB8::1]:443", Some(&credentials)),
        "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\
         Proxy-Authorization: Basic dTpw\r\n\r\n"
    );
}

#[test]
fn established_opens_a_tunnel() {
    let response = parse_response(ESTABLISHED, &Limits::default());
    let response = response.unwrap().complete().unwrap();
    assert!(response.is_open());
    assert_eq!(response.len, ESTABLISHED.len());
}

proptest! {
    #[test]
    fn what_is_encoded_is_what_is_parsed(
        host in "[a-z0-9_-]{1,20}(\\.[a-z]{2,5}){1,3}",
        port in 1u16..,
        user in "\\PC*",
        password in "\\PC*",
    ) {
        let credentials = Credentials::new(user, password).ok();
        let head = encode(&format!("{host}:{port}"), credentials.as_ref());
        let limits = Limits { max_bytes: usize::MAX, ..Limits::default() };
        let Ok(Status::Complete(request)) = parse_request(&head, &limits) else {
            return Err(TestCaseError::fail(format!("{head:?}")));
        };
        prop_assert_eq!(request.target.to_string(), format!("{host}:{port}"));
        prop_assert_eq!(request.len, head.len());
        let sent = request.proxy_authorization.map(|sent| format!("Basic {}", sent.credentials()));
        prop_assert_eq!(sent, credentials.map(|credentials| credentials.basic()));
    }
}
