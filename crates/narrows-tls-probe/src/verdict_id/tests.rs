use std::collections::HashSet;

use super::*;

#[test]
fn every_id_is_unique_and_parses_back() {
    let mut seen = HashSet::new();
    for id in VerdictId::all() {
        assert!(seen.insert(id.as_str()), "{id} twice");
        assert_eq!(id.as_str().parse(), Ok(id));
    }
    assert!(seen.len() > 90, "{}", seen.len());
}

#[test]
fn an_unknown_id_is_named_in_the_error() {
    let error = "tls.nothing".parse::<VerdictId>().unwrap_err();
    assert_eq!(error.to_string(), "\"tls.nothing\" is not a verdict");
}
