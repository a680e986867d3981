//! Any head and claims, signed by a key of the set and not: no panic, what passes says what it must by another
//! reading of it too, and without the signature nothing passes.
#![no_main]

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use narrows_gateway::jwt::Jwt;
use serde_json::Value;

const NOW: u64 = 1_800_000_000;
const LEEWAY: u32 = 60;
const ENDPOINT: &str = "a.gw.example.net";

static PAIR: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap());
static JWT: LazyLock<Jwt> = LazyLock::new(|| {
    let x = URL_SAFE_NO_PAD.encode(PAIR.public_key());
    let keys = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k","x":"{x}"}}]}}"#);
    Jwt {
        keys: keys.parse().unwrap(),
        audience: None,
        issuer: None,
        leeway: LEEWAY,
    }
});

/// As the claims and the head read to somebody else.
fn passes(head: &Value, claims: &Value, subject: &str) -> bool {
    let (now, leeway) = (NOW as f64, f64::from(LEEWAY));
    let number = |name: &str| claims[name].as_f64();
    let names = |value: &Value| value.as_str() == Some(ENDPOINT);
    let audience = match &claims["aud"] {
        Value::Array(several) => several.iter().any(names),
        one => names(one),
    };
    matches!(head["alg"].as_str(), Some("EdDSA" | "Ed25519"))
        && head["crit"].is_null()
        && matches!(&head["kid"], Value::Null | Value::String(_))
        && claims["sub"].as_str() == Some(subject)
        && audience
        && number("exp").is_some_and(|exp| now < exp + leeway)
        && (claims["nbf"].is_null() || number("nbf").is_some_and(|nbf| nbf <= now + leeway))
}

// The head on the first line, and the claims on the others.
fuzz_target!(|text: &str| {
    assert!(JWT.subject(text, ENDPOINT, NOW).is_err());
    let (head, claims) = text.split_once('\n').unwrap_or((text, ""));
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(head),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let mut signature = PAIR.sign(signed.as_bytes()).as_ref().to_vec();
    let token = |signature: &[u8]| format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    match JWT.subject(&token(&signature), ENDPOINT, NOW) {
        Ok(subject) => {
            let (head, claims) = (head.parse().unwrap(), claims.parse().unwrap());
            assert!(passes(&head, &claims, &subject), "{text}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    signature[0] ^= 1;
    assert!(JWT.subject(&token(&signature), ENDPOINT, NOW).is_err());
});
