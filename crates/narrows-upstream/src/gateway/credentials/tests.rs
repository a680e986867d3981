use proptest::prelude::*;

use super::*;

fn error(text: &str) -> Option<BearerTokenError> {
    text.parse::<BearerToken>().err()
}

#[test]
fn tokens_are_tokens() {
    for text in ["a", "eyJhbGciOi.eyJzdWIi.c2ln", "s3cr3t-tok_en~", "YWJj=="] {
        assert_eq!(error(text), None, "{text}");
    }
    for (text, expected) in [
        ("", BearerTokenError::Empty),
        ("==", BearerTokenError::Empty),
        ("a b", BearerTokenError::Character(2)),
        ("a=b", BearerTokenError::Character(2)),
        ("ab\r\nX-Evil: 1", BearerTokenError::Character(3)),
        ("Bearer abc", BearerTokenError::Character(7)),
        ("é", BearerTokenError::Character(1)),
    ] {
        assert_eq!(error(text), Some(expected), "{text}");
    }
}

#[test]
fn nothing_shows_a_secret() {
    let token: BearerToken = "s3cr3t".parse().unwrap();
    let basic = Credentials::new("user", "s3cr3t").unwrap();
    for credentials in [
        GatewayCredentials::Bearer(token),
        GatewayCredentials::Basic(basic),
    ] {
        assert!(!format!("{credentials:?}").contains("s3cr3t"));
    }
}

proptest! {
    #[test]
    fn a_header_is_one_line(text in "\\PC*|[a-z=]{0,9}") {
        if let Ok(token) = text.parse::<BearerToken>() {
            let header = GatewayCredentials::Bearer(token).header();
            prop_assert!(header.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '));
            prop_assert_eq!(header, format!("Bearer {text}"));
        }
    }
}
