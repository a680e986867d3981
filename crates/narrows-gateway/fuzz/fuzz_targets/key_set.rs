//! Any text as a set of keys: no panic, no set without a key, and no signature that nobody made is good.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use narrows_gateway::jwt::{Jwt, KeySet};

fuzz_target!(|text: &str| {
    let Ok(keys) = text.parse::<KeySet>() else {
        return;
    };
    assert!(!keys.is_empty() && !format!("{keys:?}").is_empty());
    let jwt = Jwt {
        keys,
        audience: None,
        issuer: None,
        leeway: 0,
    };
    let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"s","aud":"a","exp":2}"#);
    for (algorithm, length) in [("EdDSA", 64), ("ES256", 64), ("RS256", 256)] {
        let head = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}"}}"#));
        let signature = URL_SAFE_NO_PAD.encode(vec![1; length]);
        let token = format!("{head}.{claims}.{signature}");
        assert!(jwt.subject(&token, "a", 1).is_err(), "{text}");
    }
});
