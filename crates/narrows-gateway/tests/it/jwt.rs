//! JSON Web Tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::house::{Client, House};

/// A JWT of `svc` that expires so many seconds from now.
fn token(key: &Ed25519KeyPair, expires: i64) -> Client {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let expires = i64::try_from(now).unwrap() + expires;
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"sub": "svc@example.net", "aud": "narrows", "exp": expires});
    let signed = format!(
        "{}.{}",
        part(json!({"alg": "EdDSA", "kid": "k"})),
        part(claims)
    );
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    Client {
        authorization: Some(format!("Bearer {signed}.{signature}")),
        ..Client::default()
    }
}

async fn house(key: &Ed25519KeyPair) -> House {
    let x = URL_SAFE_NO_PAD.encode(key.public_key());
    let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}]});
    let toml = "jwt.jwks_file = \"jwks.json\"\njwt.audience = \"narrows\"";
    let prepare =
        |dir: &std::path::Path| std::fs::write(dir.join("jwks.json"), keys.to_string()).unwrap();
    House::build(&["a.example"], toml, &[], prepare).await
}

#[tokio::test]
async fn a_good_one_is_let_in() {
    let key = Ed25519KeyPair::generate().unwrap();
    let house = house(&key).await;
    house.refused(&token(&key, 600), "b.example:443", 403).await;
    assert!(house.record().contains("denied for jwt:svc@example.net"));
}

#[tokio::test]
async fn an_expired_one_is_refused_and_recorded_with_its_subject() {
    let key = Ed25519KeyPair::generate().unwrap();
    let house = house(&key).await;
    house
        .refused(&token(&key, -600), "a.example:443", 407)
        .await;
    let record = house.record();
    assert!(
        record.contains("the token of svc@example.net expired 60"),
        "{record}"
    );
}

#[tokio::test]
async fn one_of_another_key_is_refused() {
    let house = house(&Ed25519KeyPair::generate().unwrap()).await;
    let other = Ed25519KeyPair::generate().unwrap();
    house
        .refused(&token(&other, 600), "a.example:443", 407)
        .await;
    assert!(house.record().contains("its signature is wrong"));
}
