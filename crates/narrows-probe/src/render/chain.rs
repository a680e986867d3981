//! The certificates that were shown.

use narrows_tls_probe::CertificateEvidence;
use narrows_tls_probe::chain::Certificate;

/// Four lines for each certificate, the server's own first.
pub fn chain(shown: &CertificateEvidence, indent: &str) -> String {
    let mut text = String::new();
    for (at, der) in shown.chain.iter().enumerate() {
        match Certificate::from_der(der.as_ref()) {
            Err(error) => text.push_str(&format!("{indent}[{at}] {error}\n")),
            Ok(certificate) => text.push_str(&describe(&certificate, at, indent)),
        }
    }
    text
}

fn describe(certificate: &Certificate, at: usize, indent: &str) -> String {
    let mut text = format!(
        "{indent}[{at}] {}\n{indent}    issued by {}\n{indent}    {} to {}, {} {}, {}\n",
        certificate.subject.text,
        certificate.issuer.text,
        certificate.not_before,
        certificate.not_after,
        certificate.key.kind,
        certificate.key.bits,
        certificate.signature,
    );
    if !certificate.names.is_empty() {
        let names = certificate.names.join(", ");
        text.push_str(&format!("{indent}    for {names}\n"));
    }
    text.push_str(&format!(
        "{indent}    SHA-256 {}\n",
        certificate.fingerprint
    ));
    text
}
