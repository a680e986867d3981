use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, date_time_ymd,
};

use super::*;
use crate::words::Certainty;

const NOW: &str = "2026-06-01T12:00:00Z";

/// A root, an intermediate that it signed, and a leaf for `names` that the intermediate signed.
struct Pki {
    leaf: Certificate,
    intermediate: Certificate,
    root: Certificate,
}

impl Pki {
    fn new(
        organization: &str,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let root_key = KeyPair::generate().unwrap();
        let root_params = authority("Test Root", organization);
        let root = root_params.self_signed(&root_key).unwrap();
        let issuer = Issuer::new(root_params, root_key);
        let key = KeyPair::generate().unwrap();
        let params = authority("Test Issuing CA", organization);
        let intermediate = params.signed_by(&key, &issuer).unwrap();
        let issuer = Issuer::new(params, key);
        let mut params = leaf(names);
        change(&mut params);
        let leaf = params
            .signed_by(&KeyPair::generate().unwrap(), &issuer)
            .unwrap();
        let read =
            |certificate: &rcgen::Certificate| Certificate::from_der(certificate.der()).unwrap();
        Self {
            leaf: read(&leaf),
            intermediate: read(&intermediate),
            root: read(&root),
        }
    }

    fn plain() -> Self {
        Self::new(
            "Contoso",
            &["good.example", "*.wild.example", "192.0.2.7"],
            |_| {},
        )
    }

    fn sent(&self) -> Vec<Certificate> {
        vec![self.leaf.clone(), self.intermediate.clone()]
    }
}

fn authority(name: &str, organization: &str) -> CertificateParams {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
        .distinguished_name
        .push(DnType::OrganizationName, organization);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.use_authority_key_identifier_extension = true;
    params
}

fn leaf(names: &[&str]) -> CertificateParams {
    let mut params =
        CertificateParams::new(names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "leaf.example");
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2026, 12, 31);
    params.use_authority_key_identifier_extension = true;
    params
}

/// AuthorityInfoAccess with one caIssuers URL (RFC 5280 §4.2.2.1).
fn issuer_url(url: &str) -> CustomExtension {
    let of = |tag: u8, parts: &[&[u8]]| {
        let value = parts.concat();
        [&[tag, u8::try_from(value.len()).unwrap()], value.as_slice()].concat()
    };
    let method = of(6, &[&[0x2b, 6, 1, 5, 5, 7, 0x30, 2]]);
    let access = of(0x30, &[&of(0x30, &[&method, &of(0x86, &[url.as_bytes()])])]);
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], access)
}

fn host(text: &str) -> Host {
    text.parse().unwrap()
}

fn refused(host: &Host) -> Circumstances<'_> {
    Circumstances {
        host,
        now: NOW.parse().unwrap(),
        accepted: false,
        anchored: Some(false),
        public: Some(false),
        expiring_within: Duration::from_secs(14 * 86_400),
    }
}

fn ids(judgement: &Judgement) -> Vec<&'static str> {
    judgement
        .faults
        .iter()
        .map(|fault| fault.id().as_str())
        .collect()
}

#[track_caller]
fn check(chain: &[Certificate], known: &Circumstances<'_>, expected: &[&str]) -> Judgement {
    let judgement = judge(chain, known);
    assert_eq!(ids(&judgement), expected, "{judgement:?}");
    judgement
}

#[test]
fn evidence_is_read_out() {
    let pki = Pki::new(
        "Contoso",
        &["Good.Example", "192.0.2.7", "2001:db8::7"],
        |params| {
            params
                .custom_extensions
                .push(issuer_url("http://ca.example/issuing.crt"));
            params.serial_number = Some(rcgen::SerialNumber::from(vec![0x12, 0xab]));
        },
    );
    let leaf = &pki.leaf;
    assert_eq!(leaf.subject.to_string(), "leaf.example");
    assert_eq!(leaf.issuer.text, "O=Contoso, CN=Test Issuing CA");
    assert_eq!(leaf.issuer.to_string(), "Test Issuing CA (Contoso)");
    assert_eq!(leaf.names, ["good.example", "192.0.2.7", "2001:db8::7"]);
    assert_eq!(leaf.not_before.to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(
        (leaf.key.to_string(), leaf.signature.as_str()),
        ("EC 256".to_owned(), "ECDSA-SHA256")
    );
    assert_eq!((leaf.serial.as_str(), leaf.fingerprint.len()), ("12ab", 64));
    assert_eq!(leaf.authority_key, pki.intermediate.subject_key);
    assert_eq!(
        leaf.issuer_url.as_deref(),
        Some("http://ca.example/issuing.crt")
    );
    assert!(!leaf.authority && leaf.serves && pki.root.authority && pki.root.is_self_issued());
}

#[test]
fn evidence_survives_being_saved() {
    let leaf = Pki::plain().leaf;
    let text = serde_json::to_string(&leaf).unwrap();
    assert_eq!(serde_json::from_str::<Certificate>(&text).unwrap(), leaf);
}

#[test]
fn accepted_chain_has_no_fault_until_it_is_near_its_end() {
    let pki = Pki::plain();
    let host = host("good.example");
    let known = Circumstances {
        accepted: true,
        anchored: Some(true),
        ..refused(&host)
    };
    check(&pki.sent(), &known, &[]);
    let late = Circumstances {
        now: "2026-12-28T12:00:00Z".parse().unwrap(),
        ..known
    };
    let judgement = check(&pki.sent(), &late, &["cert.expiring"]);
    assert_eq!(
        judgement.faults[0].to_string(),
        "the certificate expires in 2 days"
    );
}

#[test]
fn each_fault_is_told_from_the_others() {
    let pki = Pki::plain();
    let host = host("good.example");
    let known = refused(&host);
    let judgement = check(&pki.sent(), &known, &["cert.unknown_issuer"]);
    assert_eq!(judgement.faults[0].certainty(), Certainty::Likely);

    let whole = [pki.sent(), vec![pki.root.clone()]].concat();
    let judgement = check(&whole, &known, &["cert.unknown_issuer"]);
    assert_eq!(judgement.faults[0].certainty(), Certainty::Proved);
    assert_eq!(
        judgement.faults[0].to_string(),
        "the issuer Test Root (Contoso) is not trusted here"
    );

    check(
        std::slice::from_ref(&pki.root),
        &known,
        &["cert.self_signed", "cert.name_mismatch"],
    );
    let anchored = Circumstances {
        anchored: Some(true),
        ..known.clone()
    };
    let expired = Circumstances {
        now: "2027-01-01T00:00:00Z".parse().unwrap(),
        ..anchored.clone()
    };
    check(&pki.sent(), &expired, &["cert.expired"]);
    let early = Circumstances {
        now: "2025-12-31T23:59:59Z".parse().unwrap(),
        ..anchored.clone()
    };
    check(&pki.sent(), &early, &["cert.not_yet_valid"]);

    let mut weak = pki.sent();
    weak[0].key = Key {
        kind: "RSA".to_owned(),
        bits: 1024,
    };
    weak[1].signature = "RSA-SHA1".to_owned();
    let judgement = check(&weak, &anchored, &["cert.invalid", "cert.invalid"]);
    let sentences: Vec<String> = judgement.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        sentences[0],
        "the key of leaf.example is too weak: RSA 1024"
    );
    assert!(
        sentences[1].ends_with("has a weak signature: RSA-SHA1"),
        "{sentences:?}"
    );
}

#[test]
fn issuer_that_can_be_fetched_and_was_not_sent_is_missing() {
    let pki = Pki::new("Contoso", &["good.example"], |params| {
        params
            .custom_extensions
            .push(issuer_url("http://ca.example/issuing.crt"));
    });
    let host = host("good.example");
    let judgement = check(
        std::slice::from_ref(&pki.leaf),
        &refused(&host),
        &["cert.incomplete_chain"],
    );
    let ChainFault::IncompleteChain { issuer, url } = &judgement.faults[0] else {
        panic!("{judgement:?}");
    };
    assert_eq!(issuer, "Test Issuing CA (Contoso)");
    assert_eq!(url.as_deref(), Some("http://ca.example/issuing.crt"));
    // The intermediate is there, so what is missing is the root, which nobody sends.
    check(&pki.sent(), &refused(&host), &["cert.unknown_issuer"]);
}

#[test]
fn purpose_is_judged() {
    let pki = Pki::new("Contoso", &["good.example"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let host = host("good.example");
    let known = Circumstances {
        anchored: Some(true),
        ..refused(&host)
    };
    check(&pki.sent(), &known, &["cert.invalid"]);
}

#[test]
fn names_are_matched_label_by_label() {
    let pki = Pki::plain();
    for (name, fits) in [
        ("good.example", true),
        ("a.good.example", false),
        ("a.wild.example", true),
        ("wild.example", false),
        ("a.b.wild.example", false),
        ("192.0.2.7", true),
        ("192.0.2.8", false),
    ] {
        let host = host(name);
        let known = Circumstances {
            anchored: Some(true),
            ..refused(&host)
        };
        let expected: &[&str] = if fits { &[] } else { &["cert.name_mismatch"] };
        check(&pki.sent(), &known, expected);
    }
    let nobody = Pki::new("Contoso", &[], |_| {});
    let host = host("leaf.example");
    let known = Circumstances {
        anchored: Some(true),
        ..refused(&host)
    };
    let judgement = check(&nobody.sent(), &known, &["cert.name_mismatch"]);
    assert!(
        judgement.faults[0]
            .to_string()
            .contains("common name does not count")
    );
}

#[test]
fn path_that_nobody_looked_for_is_not_called_unknown() {
    let pki = Pki::plain();
    let host = host("good.example");
    let late = Circumstances {
        anchored: None,
        now: "2027-01-01T00:00:00Z".parse().unwrap(),
        ..refused(&host)
    };
    check(&pki.sent(), &late, &["cert.expired"]);
}

#[test]
fn nothing_is_said_about_certificates_that_were_not_seen() {
    let host = host("good.example");
    assert_eq!(judge(&[], &refused(&host)), Judgement::default());
}

#[test]
fn known_product_is_named_and_proved_by_the_public_roots() {
    let pki = Pki::new("Zscaler Inc.", &["good.example"], |_| {});
    let host = host("good.example");
    let installed = Circumstances {
        accepted: true,
        anchored: Some(true),
        ..refused(&host)
    };
    let found = judge(&pki.sent(), &installed).interception.unwrap();
    assert_eq!(
        (found.product.as_deref(), found.certainty),
        (Some("Zscaler"), Certainty::Proved)
    );
    assert!(found.clues.contains(&Clue::LocalRoot));
    let unasked = Circumstances {
        public: None,
        ..installed.clone()
    };
    let found = judge(&pki.sent(), &unasked).interception.unwrap();
    assert_eq!(found.certainty, Certainty::Likely);
    let public = Circumstances {
        public: Some(true),
        ..installed
    };
    assert_eq!(judge(&pki.sent(), &public).interception, None);
}

#[test]
fn well_known_host_has_its_certificates_from_its_own_issuers() {
    let contoso = Pki::new("Contoso", &["management.azure.com"], |_| {});
    let microsoft = Pki::new("Microsoft Corporation", &["management.azure.com"], |_| {});
    let host = host("management.azure.com");
    let found = judge(&contoso.sent(), &refused(&host))
        .interception
        .unwrap();
    assert_eq!((found.product, found.certainty), (None, Certainty::Proved));
    assert_eq!(found.issuer, "Test Issuing CA (Contoso)");
    assert_eq!(judge(&microsoft.sent(), &refused(&host)).interception, None);
    // The device's own page, or a captive portal: no authority of a device signs itself into a leaf.
    assert_eq!(judge(&[contoso.root], &refused(&host)).interception, None);
}

#[test]
fn private_authority_is_no_interception_and_a_new_leaf_of_it_a_guess() {
    let pki = Pki::plain();
    let host = host("good.example");
    let known = Circumstances {
        accepted: true,
        anchored: Some(true),
        ..refused(&host)
    };
    assert_eq!(judge(&pki.sent(), &known).interception, None);
    let at_once = Circumstances {
        now: "2026-01-01T00:05:00Z".parse().unwrap(),
        ..known
    };
    let found = judge(&pki.sent(), &at_once).interception.unwrap();
    assert_eq!(found.certainty, Certainty::Guess);
    assert_eq!(found.clues, [Clue::LocalRoot, Clue::YoungLeaf { age: 300 }]);
}

#[test]
fn built_in_signatures_are_well_formed() {
    let signatures = Signatures::built_in();
    assert!(signatures.date().to_string().starts_with("20"));
    assert!(
        signatures
            .family(&host("login.microsoftonline.com"))
            .is_some()
    );
    assert!(signatures.family(&host("notazure.com")).is_none());
    assert!(signatures.family(&host("azure.com.evil.example")).is_none());
}

#[test]
fn signatures_that_would_match_everything_are_refused() {
    let list = |issuer: &str, source: &str| {
        let text = format!(
            r#"{{"date":"2026-01-01","families":[],"sources":{{"s":"https://s.example"}},
                "products":[{{"name":"P","issuer":{issuer},"source":"{source}"}}]}}"#
        );
        Signatures::parse(&text)
    };
    assert!(list(r#"[{"organization":"P Inc."}]"#, "s").is_ok());
    for (issuer, source) in [
        ("[]", "s"),
        ("[{}]", "s"),
        (r#"[{"organization":""}]"#, "s"),
        (r#"[{"organization":"P"}]"#, "elsewhere"),
    ] {
        assert!(
            matches!(list(issuer, source), Err(SignaturesError::Entry(_))),
            "{issuer}"
        );
    }
    assert!(matches!(
        list(r#"[{"org":"P"}]"#, "s"),
        Err(SignaturesError::Json(_))
    ));
}

#[test]
fn octets_that_are_no_certificate_are_refused() {
    assert_eq!(
        Certificate::from_der(b"HTTP/1.1 200"),
        Err(CertificateError::NotX509)
    );
    let own = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let mut der = own.cert.der().to_vec();
    der.push(0);
    assert_eq!(
        Certificate::from_der(&der),
        Err(CertificateError::Trailing(1))
    );
}

#[test]
fn peers_text_is_made_harmless_and_cut() {
    let long = "x".repeat(1000);
    let name = format!("evil\n\u{1b}[31m\u{202e}{long}");
    let pki = Pki::new(&name, &["good.example"], |_| {});
    let text = &pki.leaf.issuer.text;
    assert!(
        !text.chars().any(char::is_control) && !text.contains('\u{202e}'),
        "{text:?}"
    );
    assert!(text.chars().count() <= 201, "{text}");
}

proptest! {
    #[test]
    fn any_octets_are_read_or_refused(octets: Vec<u8>) {
        prop_assert!(Certificate::from_der(&octets).is_err());
    }

    #[test]
    fn damaged_certificate_is_read_or_refused(at: prop::sample::Index, flip in 1..=255_u8, cut: prop::sample::Index) {
        let own = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        let mut der = own.cert.der().to_vec();
        prop_assert!(Certificate::from_der(&der[..cut.index(der.len())]).is_err());
        let at = at.index(der.len());
        der[at] ^= flip;
        if let Ok(read) = Certificate::from_der(&der) {
            let host = host("a.example");
            judge(std::slice::from_ref(&read), &refused(&host));
            prop_assert!(!read.subject.text.chars().any(char::is_control));
        }
    }
}
