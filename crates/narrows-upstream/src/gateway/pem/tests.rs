use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::{Gateway, GatewayConfig, GatewayConfigError};

/// A certificate and its key.
fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["gw.example".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn config() -> GatewayConfig {
    GatewayConfig::new("gw.example:443".parse().unwrap())
}

#[test]
fn what_is_wrong_with_authorities_is_said() {
    let (certificate, key) = pair();
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let cut = &certificate[..certificate.len() - 30];
    let garbled = certificate.replacen("MII", "M!I", 1);
    let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (pem, expected) in [
        (
            &b""[..],
            "there is no certificate in it, nor anything else in PEM",
        ),
        (
            key.as_bytes(),
            "but \"PRIVATE KEY\" (are the files mixed up?)",
        ),
        (&der[..], "this is not PEM but binary, probably DER"),
        (
            &b"-----BEGIN A\x1b[31m KEY-----\n-----END A\x1b[31m KEY-----\n"[..],
            "but \"A [31m KEY\" (are the files mixed up?)",
        ),
        (cut.as_bytes(), "the text is cut off"),
        (garbled.as_bytes(), "not valid base64"),
        (hollow.as_bytes(), "item 1 is damaged"),
    ] {
        let error = config().with_authorities(pem).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot read the CA certificates: "),
            "{error}"
        );
        assert!(error.contains(expected), "{error}");
    }
    let two = certificate + &pair().0;
    Gateway::new(config().with_authorities(two.as_bytes()).unwrap()).unwrap();
}

#[test]
fn what_is_wrong_with_a_client_certificate_is_said() {
    let (certificate, key) = pair();
    let locked =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (certificate, key, expected) in [
        (
            &key,
            &certificate,
            "cannot read the client certificate: there is no certificate in it",
        ),
        (
            &certificate,
            &certificate,
            "cannot read the client key: there is no private key in it",
        ),
        (
            &certificate,
            &locked.to_owned(),
            "the key is encrypted with a password",
        ),
    ] {
        let error = config().with_client_certificate(certificate.as_bytes(), key.as_bytes());
        let error = error.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    for (key, fits) in [(&key, true), (&pair().1, false)] {
        let config = config().with_client_certificate(certificate.as_bytes(), key.as_bytes());
        let gateway = Gateway::new(config.unwrap());
        assert_eq!(gateway.is_ok(), fits);
        assert!(fits || matches!(gateway, Err(GatewayConfigError::KeyMismatch)));
    }
}

proptest! {
    #[test]
    fn nothing_panics_or_shows_a_key(
        at in any::<proptest::sample::Index>(),
        flip in any::<u8>(),
    ) {
        let (_, pem) = pair();
        let mut bytes = pem.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let secret = String::from_utf8_lossy(&bytes[40..80]).into_owned();
        for error in [key(&bytes).err(), certificates(&bytes).err()].into_iter().flatten() {
            prop_assert!(!error.to_string().contains(&secret));
        }
    }
}
