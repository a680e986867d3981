//! Client certificates.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SerialNumber, date_time_ymd,
};

use tokio::io::AsyncWriteExt as _;

use crate::house::{Client, House, read_head};

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn client(issuer: &Issuer, name: &str, serial: u64) -> Client {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.serial_number = Some(SerialNumber::from(serial));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap().der().clone();
    let key = Arc::new(key.serialize_der().try_into().unwrap());
    Client {
        certificate: Some((vec![certificate], key)),
        ..Client::default()
    }
}

/// A list that names this serial number.
fn revoked(issuer: &Issuer, serial: u64) -> String {
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(2999, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(issuer).unwrap().pem().unwrap()
}

async fn house(issuer: &Issuer) -> House {
    let toml = "[clients]\nca_file = \"ca.pem\"\ncrl_files = [\"crl.pem\"]";
    let prepare = |dir: &std::path::Path| {
        std::fs::write(dir.join("ca.pem"), issuer.pem()).unwrap();
        std::fs::write(dir.join("crl.pem"), revoked(issuer, 7)).unwrap();
    };
    House::build(&["a.example"], toml, &[], prepare).await
}

#[tokio::test]
async fn a_good_one_is_let_in_and_a_token_still_is() {
    let issuer = authority("ours");
    let house = house(&issuer).await;
    house
        .refused(&client(&issuer, "agent.example", 6), "b.example:443", 403)
        .await;
    house.refused(&house.alice(), "b.example:443", 403).await;
    let records = house.records();
    assert!(
        records[0].contains("denied for certificate:agent.example"),
        "{records:#?}"
    );
    assert!(
        records[1].contains("denied for token:alice"),
        "{records:#?}"
    );
}

#[tokio::test]
async fn a_revoked_one_is_told_so_and_recorded_with_its_name() {
    let issuer = authority("ours");
    let house = house(&issuer).await;
    house
        .refused(&client(&issuer, "agent.example", 7), "a.example:443", 407)
        .await;
    let record = house.record();
    assert!(
        record.contains("the certificate of agent.example is revoked"),
        "{record}"
    );
}

#[tokio::test]
async fn one_of_another_authority_is_refused() {
    let house = house(&authority("ours")).await;
    let stranger = client(&authority("theirs"), "agent.example", 6);
    house.refused(&stranger, "a.example:443", 407).await;
    let record = house.record();
    assert!(
        record.contains("is not from an authority that is trusted here"),
        "{record}"
    );
}

#[tokio::test]
async fn one_that_is_revoked_meanwhile_opens_no_more_tunnels() {
    let issuer = authority("ours");
    let house = house(&issuer).await;
    let agent = client(&issuer, "agent.example", 6);
    let mut before = house.connect(&agent).await.unwrap();
    let list = house.dir.path().join("crl.pem");
    std::fs::write(list, revoked(&issuer, 6)).unwrap();
    assert_eq!(house.state.refresh(), ["reloaded certificates"]);
    let head = "CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n";
    before.write_all(head.as_bytes()).await.unwrap();
    let head = read_head(&mut before).await;
    assert!(head.starts_with("HTTP/1.1 407 "), "{head}");
    assert!(head.contains("is revoked"), "{head}");
}
