use proptest::prelude::*;

use super::*;

#[test]
fn every_kind_of_target_is_an_authority() {
    for text in [
        "example.com:443",
        "127.0.0.1:1",
        "[2001:db8::1]:65535",
        "_a-b.example:80",
    ] {
        let target: Target = text.parse().unwrap();
        let request = request(&target, &Via::default(), None);
        // Nothing but method and authority (RFC 9113 §8.5).
        assert_eq!(request.method(), Method::CONNECT);
        assert_eq!(request.uri().authority().unwrap().as_str(), text);
        assert_eq!((request.uri().scheme(), request.uri().path()), (None, ""));
    }
}

#[test]
fn challenges_become_schemes() {
    for (challenge, expected) in [
        ("Basic realm=\"x\"", "basic"),
        ("Bearer", "bearer"),
        ("Negotiate, NTLM", "negotiate"),
    ] {
        assert_eq!(scheme(&HeaderValue::from_static(challenge)), expected);
    }
}

proptest! {
    #[test]
    fn whatever_is_a_target_is_an_authority(text in "[a-zA-Z0-9._-]{1,20}:[0-9]{1,5}") {
        if let Ok(target) = text.parse::<Target>() {
            prop_assert_eq!(authority(&target).to_string(), target.to_string());
        }
    }
}
