use std::sync::Arc;

use narrows_endpoint::Host;

use super::*;
use crate::definition::Wanted;
use crate::tokens::{Secret, TokenFile};

fn gateway(name: &str) -> Definition {
    let domain: Host = "example.net".parse().unwrap();
    Definition::new(Wanted {
        name: name.parse().unwrap(),
        features: Vec::new(),
        location: String::new(),
        resource_group: String::new(),
        domain: domain.name().unwrap().clone(),
    })
    .unwrap()
}

fn tokens() -> (Tokens, Secret) {
    let dir = tempfile::tempdir().unwrap();
    let file = TokenFile::new(dir.path().join("tokens.json"));
    let edge = "edge".parse().unwrap();
    let secret = file.issue("alice", Some(edge), String::new()).unwrap();
    (file.read().unwrap(), secret)
}

fn header(text: &str) -> ProxyAuthorization {
    ProxyAuthorization::from_bytes(text.as_bytes()).unwrap()
}

#[track_caller]
fn identified(
    header: Option<ProxyAuthorization>,
    tokens: &Tokens,
    at: &str,
) -> Result<String, AuthError> {
    let authenticator = Authenticator {
        tokens,
        jwt: None,
        anonymous: false,
    };
    let proof = Proof {
        authorization: header.as_ref(),
        certificate: None,
    };
    authenticator
        .identify(&proof, &gateway(at), 0)
        .map(|who| who.to_string())
}

#[test]
fn tokens_come_as_bearer_and_as_basic() {
    let (tokens, secret) = tokens();
    let secret = secret.expose();
    let basic = |user: &str| {
        header(&format!(
            "Basic {}",
            STANDARD.encode(format!("{user}:{secret}"))
        ))
    };
    let bearer = || header(&format!("bEARER {secret}"));
    let alice = Ok("token:alice".to_owned());
    assert_eq!(identified(Some(bearer()), &tokens, "edge"), alice);
    assert_eq!(identified(Some(basic("alice")), &tokens, "edge"), alice);
    for (header, at, user) in [
        (bearer(), "other", None),
        (basic("bob"), "edge", Some("bob")),
        (basic(""), "edge", None),
        (basic("two words"), "edge", None),
        (basic(&"x".repeat(65)), "edge", None),
        (basic(secret), "edge", None),
        (header(&format!("Bearer {secret}x")), "edge", None),
        (header("Bearer"), "edge", None),
        (header("Bearer a.b.c"), "edge", None),
        (header("Basic ?"), "edge", None),
        (header("Basic YQ=="), "edge", None),
    ] {
        let user = user.map(Into::into);
        let want = Err(AuthError::Token { user });
        assert_eq!(
            identified(Some(header.clone()), &tokens, at),
            want,
            "{header:?}"
        );
    }
    assert_eq!(
        identified(Some(header("Digest a")), &tokens, "edge"),
        Err(AuthError::Scheme)
    );
    assert_eq!(identified(None, &tokens, "edge"), Err(AuthError::Nothing));
}

#[test]
fn what_is_presented_must_be_right() {
    let (tokens, _) = tokens();
    let authenticator = Authenticator {
        tokens: &tokens,
        jwt: None,
        anonymous: true,
    };
    let edge = gateway("edge");
    let good = Ok(Identity::Certificate(Arc::from("agent")));
    let wrong = header("Bearer x");
    let identify = |authorization, certificate| {
        let proof = Proof {
            authorization,
            certificate,
        };
        authenticator.identify(&proof, &edge, 0)
    };
    assert_eq!(identify(None, None), Ok(Identity::Anonymous));
    assert_eq!(
        identify(None, Some(&good)),
        Ok(Identity::Certificate("agent".into()))
    );
    assert_eq!(
        identify(Some(&wrong), None),
        Err(AuthError::Token { user: None })
    );
    assert_eq!(
        identify(Some(&wrong), Some(&good)),
        Err(AuthError::Token { user: None })
    );
}
