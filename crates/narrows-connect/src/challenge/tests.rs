use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(values: &[&str], expected: &[&str]) {
    assert_eq!(
        schemes(values.iter().map(|value| value.as_bytes())),
        expected,
        "{values:?}"
    );
}

#[test]
fn schemes_are_told_from_parameters() {
    check(&[], &[]);
    check(&["Basic realm=\"Squid\""], &["basic"]);
    check(
        &["Negotiate", "NTLM", "Basic realm=\"x\""],
        &["negotiate", "ntlm", "basic"],
    );
    check(
        &["Negotiate oWgwZqADCgEB==, Basic realm=x"],
        &["negotiate", "basic"],
    );
    check(
        &["Digest realm=\"a, Bearer b\", nonce=\"c\\\", NTLM\", qop = auth, Basic realm=x"],
        &["digest", "basic"],
    );
    check(&["basic", "BASIC realm=x"], &["basic"]);
    check(&["", ",, ,", "=x", "\"Basic\"", "B@sic x"], &[]);
    check(&["Digest realm=\"never closed, Basic"], &["digest"]);
}

proptest! {
    #[test]
    fn any_value_gives_tokens(value in any::<Vec<u8>>()) {
        for scheme in schemes([value.as_slice()].into_iter()) {
            prop_assert!(is_token(&scheme));
        }
    }
}
