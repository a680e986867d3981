use proptest::prelude::*;
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

use super::*;

fn self_signed(attributes: &[(DnType, DnValue)]) -> Vec<u8> {
    let mut params = CertificateParams::new(["gw.example".to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in attributes {
        params.distinguished_name.push(kind.clone(), value.clone());
    }
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().to_vec()
}

fn utf8(text: &str) -> DnValue {
    DnValue::Utf8String(text.to_owned())
}

#[test]
fn the_issuer_is_named() {
    let bmp = DnValue::BmpString("Zscaler Ünit".try_into().unwrap());
    for (attributes, expected) in [
        (
            vec![(DnType::CommonName, utf8("Box CA"))],
            Some("CN=Box CA"),
        ),
        (
            vec![
                (DnType::OrganizationName, utf8("Box Inc")),
                (DnType::CommonName, bmp),
            ],
            Some("CN=Zscaler Ünit, O=Box Inc"),
        ),
        (
            vec![(DnType::OrganizationName, utf8("evil\r\n\u{1b}[31m name"))],
            Some("O=evil [31m name"),
        ),
        (vec![(DnType::CountryName, utf8("DE"))], None),
        (vec![], None),
    ] {
        let der = self_signed(&attributes);
        assert_eq!(issuer(&der).as_deref(), expected);
    }
}

proptest! {
    #[test]
    fn nothing_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
        at in any::<proptest::sample::Index>(),
        flip in any::<u8>(),
    ) {
        issuer(&bytes);
        let mut der = self_signed(&[(DnType::CommonName, utf8("x"))]);
        let at = at.index(der.len());
        der[at] ^= flip;
        issuer(&der);
        issuer(&der[..at]);
    }
}
