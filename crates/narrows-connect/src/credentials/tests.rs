use proptest::prelude::*;

use super::*;

#[test]
fn what_does_not_fit_into_a_header_is_refused() {
    for bad in ["a\r\nX: y", "a\n", "\0", "\x7f", "a\tb", "\u{85}"] {
        assert_eq!(
            Credentials::new(bad, ""),
            Err(CredentialsError::Control),
            "{bad:?}"
        );
        assert_eq!(
            Credentials::new("u", bad),
            Err(CredentialsError::Control),
            "{bad:?}"
        );
    }
    assert_eq!(Credentials::new("a:b", ""), Err(CredentialsError::Colon));
    assert!(Credentials::new("", ":p:").is_ok());
}

#[test]
fn basic_is_utf8_in_base64() {
    let credentials = Credentials::new("test", "123£").unwrap();
    // The example of RFC 7617 §2.1.
    assert_eq!(credentials.basic(), "Basic dGVzdDoxMjPCow==");
    assert_eq!(credentials.user(), "test");
    assert_eq!(
        format!("{credentials:?}"),
        "Credentials { user: \"test\", password: \"(hidden)\" }"
    );
}

proptest! {
    #[test]
    fn basic_values_are_one_visible_line(user in any::<String>(), password in any::<String>()) {
        if let Ok(credentials) = Credentials::new(user, password) {
            prop_assert!(credentials.basic().bytes().all(|byte| matches!(byte, b' '..=b'~')));
        }
    }
}
