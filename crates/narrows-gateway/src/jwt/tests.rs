use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use serde_json::json;

use super::*;

const NOW: u64 = 1_800_000_000;
const ENDPOINT: &str = "a.gw.example.net";

fn b64(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

fn jwt(keys: &serde_json::Value) -> Jwt {
    Jwt {
        keys: json!({ "keys": keys }).to_string().parse().unwrap(),
        audience: None,
        issuer: None,
        leeway: 60,
    }
}

/// An Ed25519 key, and a set with it under the id `k`.
fn ed25519() -> (Ed25519KeyPair, Jwt) {
    let pair = Ed25519KeyPair::generate().unwrap();
    let x = b64(pair.public_key());
    let jwt = jwt(&json!([{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}]));
    (pair, jwt)
}

fn sign(
    head: &serde_json::Value,
    claims: &serde_json::Value,
    sign: impl Fn(&[u8]) -> Vec<u8>,
) -> String {
    let signed = format!("{}.{}", b64(head.to_string()), b64(claims.to_string()));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", b64(signature))
}

fn claims() -> serde_json::Value {
    json!({"sub": "svc", "aud": ENDPOINT, "exp": NOW + 100, "iss": "issuer"})
}

fn with(key: &str, value: serde_json::Value) -> serde_json::Value {
    let mut claims = claims();
    claims[key] = value;
    claims
}

fn without(key: &str) -> serde_json::Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(key);
    claims
}

fn subject() -> Arc<str> {
    "svc".into()
}

#[test]
fn every_algorithm_verifies_with_its_own_key_only() {
    let random = SystemRandom::new();
    let ed = Ed25519KeyPair::generate().unwrap();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = ec.public_key().as_ref();
    // RSAPublicKey in DER: 9 octets of frame, 256 of modulus, 2 of frame, 3 of exponent.
    let der = rsa.public_key().as_ref();
    let (modulus, exponent) = (&der[9..265], &der[267..]);
    let jwt = jwt(&json!([
        {"kty": "OKP", "crv": "Ed25519", "x": b64(ed.public_key())},
        {"kty": "RSA", "n": b64(modulus),
         "e": b64(exponent)},
        {"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])},
    ]));
    let by_ed = |signed: &[u8]| ed.sign(signed).as_ref().to_vec();
    let by_ec = |signed: &[u8]| ec.sign(&random, signed).unwrap().as_ref().to_vec();
    let by_rsa = |signed: &[u8]| {
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &random, signed, &mut signature)
            .unwrap();
        signature
    };
    for (alg, token) in [
        ("EdDSA", sign(&json!({"alg": "EdDSA"}), &claims(), by_ed)),
        ("ES256", sign(&json!({"alg": "ES256"}), &claims(), by_ec)),
        ("RS256", sign(&json!({"alg": "RS256"}), &claims(), by_rsa)),
    ] {
        assert_eq!(jwt.subject(&token, ENDPOINT, NOW), Ok(subject()), "{alg}");
        let tampered = token.replacen('.', ".e", 1);
        assert_eq!(
            jwt.subject(&tampered, ENDPOINT, NOW),
            Err(JwtError::Signature),
            "{alg}"
        );
    }
    let swapped = sign(&json!({"alg": "RS256"}), &claims(), by_ed);
    assert_eq!(
        jwt.subject(&swapped, ENDPOINT, NOW),
        Err(JwtError::Signature)
    );
}

#[test]
fn none_and_shared_secrets_never_pass() {
    let (_, jwt) = ed25519();
    for alg in ["none", "None", "HS256", "HS512", "RS512", "PS256", ""] {
        let token = sign(&json!({"alg": alg, "kid": "k"}), &claims(), |_| Vec::new());
        assert_eq!(
            jwt.subject(&token, ENDPOINT, NOW),
            Err(JwtError::Algorithm),
            "{alg}"
        );
    }
    let set: Result<KeySet, _> = r#"{"keys": [{"kty": "oct", "k": "AA"}]}"#.parse();
    assert_eq!(set.unwrap_err(), KeySetError::NoKey);
}

#[test]
fn claims_are_judged() {
    let (pair, mut jwt) = ed25519();
    let head = json!({"alg": "EdDSA", "kid": "k"});
    let judged = |jwt: &Jwt, claims: &serde_json::Value| {
        let token = sign(&head, claims, |signed| pair.sign(signed).as_ref().to_vec());
        jwt.subject(&token, ENDPOINT, NOW)
    };
    let subject = subject();
    for (claims, want) in [
        (claims(), Ok(subject.clone())),
        (with("aud", json!(["x", ENDPOINT])), Ok(subject.clone())),
        (with("exp", json!(NOW - 59)), Ok(subject.clone())),
        (with("nbf", json!(NOW + 60)), Ok(subject.clone())),
        (with("exp", json!(NOW as f64 + 0.5)), Ok(subject.clone())),
        (
            with("exp", json!(NOW - 60)),
            Err(JwtError::Expired {
                subject: subject.clone(),
                seconds: 60,
            }),
        ),
        (
            with("nbf", json!(NOW + 61)),
            Err(JwtError::NotYet {
                subject: subject.clone(),
            }),
        ),
        (
            with("aud", json!("b.gw.example.net")),
            Err(JwtError::Audience {
                subject: subject.clone(),
            }),
        ),
        (
            with("aud", json!([])),
            Err(JwtError::Audience {
                subject: subject.clone(),
            }),
        ),
    ] {
        assert_eq!(judged(&jwt, &claims), want, "{claims}");
    }
    for claims in [
        without("exp"),
        without("aud"),
        without("sub"),
        with("sub", json!("")),
        with("exp", json!("9")),
    ] {
        assert!(
            matches!(judged(&jwt, &claims), Err(JwtError::Malformed(_))),
            "{claims}"
        );
    }
    jwt.issuer = Some("other".into());
    assert!(matches!(
        judged(&jwt, &claims()),
        Err(JwtError::Issuer { .. })
    ));
    jwt.issuer = Some("issuer".into());
    jwt.audience = Some("arc".into());
    assert!(matches!(
        judged(&jwt, &claims()),
        Err(JwtError::Audience { .. })
    ));
    assert_eq!(judged(&jwt, &with("aud", json!("arc"))), Ok(subject));
}

#[test]
fn heads_are_judged() {
    let (pair, jwt) = ed25519();
    let judged = |head: &serde_json::Value| {
        let token = sign(head, &claims(), |signed| {
            pair.sign(signed).as_ref().to_vec()
        });
        jwt.subject(&token, ENDPOINT, NOW)
    };
    assert!(judged(&json!({"alg": "EdDSA"})).is_ok());
    assert_eq!(
        judged(&json!({"alg": "EdDSA", "kid": "j"})),
        Err(JwtError::Key)
    );
    assert_eq!(
        judged(&json!({"alg": "ES256", "kid": "k"})),
        Err(JwtError::Key)
    );
    let critical = judged(&json!({"alg": "EdDSA", "crit": ["b64"], "b64": false}));
    assert!(matches!(critical, Err(JwtError::Malformed(_))));
}

#[test]
fn what_is_no_jwt_is_malformed() {
    let (_, jwt) = ed25519();
    for token in [
        "",
        ".",
        "..",
        "a.b.c",
        "a.b.c.d",
        "e30.e30.",
        "e30.e30.=",
        "narrows_abc",
    ] {
        assert!(
            matches!(
                jwt.subject(token, ENDPOINT, NOW),
                Err(JwtError::Malformed(_))
            ),
            "{token}"
        );
    }
}

#[test]
fn key_sets_leave_out_what_they_cannot_use() {
    let x = b64([7; 32]);
    let set: KeySet = json!({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "x": x},
        {"kty": "OKP", "crv": "X25519", "x": x},
        {"kty": "OKP", "crv": "Ed25519", "x": x, "use": "enc"},
        {"kty": "RSA", "n": b64([1; 256]), "e": "AQAB", "alg": "RS512"},
        {"kty": "EC", "crv": "P-384", "x": x, "y": x},
    ]})
    .to_string()
    .parse()
    .unwrap();
    assert_eq!(set.len(), 1);
    let short = json!({"keys": [{"kty": "RSA", "kid": "old", "n": b64([1; 128]), "e": "AQAB"}]});
    assert_eq!(
        short.to_string().parse::<KeySet>().unwrap_err(),
        KeySetError::Key("old".into())
    );
    assert!(matches!(
        "{\n}".parse::<KeySet>(),
        Err(KeySetError::Json { line: 2, .. })
    ));
}
