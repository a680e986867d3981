use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SerialNumber, date_time_ymd,
};

use super::*;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn client(issuer: &Issuer, names: &[&str], serial: u64) -> CertificateDer<'static> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.serial_number = Some(SerialNumber::from(serial));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    params.signed_by(&key, issuer).unwrap().der().clone()
}

fn list(issuer: &Issuer, revoked: &[u64]) -> CertificateRevocationListDer<'static> {
    let revoked = revoked.iter().map(|serial| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(2025, 1, 1),
        reason_code: None,
        invalidity_date: None,
    });
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2025, 1, 1),
        next_update: date_time_ymd(2026, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(issuer).unwrap().der().clone()
}

/// 2025-06-15 and 2026-06-15, in seconds since 1970.
const IN_TIME: u64 = 1_749_945_600;
const TOO_LATE: u64 = 1_781_481_600;

fn judged(
    certificates: &ClientCertificates,
    certificate: &CertificateDer<'static>,
    now: u64,
) -> Result<String, String> {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
    let judged = certificates.judge(std::slice::from_ref(certificate), now);
    judged
        .map(|who| who.to_string())
        .map_err(|error| error.to_string())
}

#[test]
fn a_certificate_of_the_authority_has_a_name() {
    let issuer = authority();
    let certificates = ClientCertificates::new([issuer.der().clone()], Vec::new()).unwrap();
    let agent = client(&issuer, &["agent-1.example"], 7);
    assert_eq!(
        judged(&certificates, &agent, IN_TIME).unwrap(),
        "certificate:agent-1.example"
    );
    let nameless = client(&issuer, &[], 8);
    let name = judged(&certificates, &nameless, IN_TIME).unwrap();
    assert!(name.starts_with("certificate:sha256:"), "{name}");
}

#[test]
fn a_stranger_and_a_revoked_certificate_are_refused() {
    let (issuer, other) = (authority(), authority());
    let lists = vec![list(&issuer, &[7])];
    let certificates = ClientCertificates::new([issuer.der().clone()], lists).unwrap();
    let good = client(&issuer, &["good.example"], 6);
    let revoked = client(&issuer, &["bad.example"], 7);
    let stranger = client(&other, &["good.example"], 6);
    assert!(judged(&certificates, &good, IN_TIME).is_ok());
    let error = judged(&certificates, &revoked, IN_TIME).unwrap_err();
    assert_eq!(error, "the certificate of bad.example is revoked");
    let error = judged(&certificates, &stranger, IN_TIME).unwrap_err();
    assert!(error.contains("authority"), "{error}");
    let error = judged(&certificates, &good, TOO_LATE).unwrap_err();
    assert!(error.contains("out of date"), "{error}");
}

#[test]
fn no_chain_is_nobody() {
    let issuer = authority();
    let certificates = ClientCertificates::new([issuer.der().clone()], Vec::new()).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(IN_TIME));
    assert!(certificates.judge(&[], now).is_err());
    assert!(ClientCertificates::new([], Vec::new()).is_err());
}
