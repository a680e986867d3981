//! Certificates and keys out of PEM, and what to say when there are none.

use narrows_connect::printable;
use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why a PEM text does not hold what it should. Never shows a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// The n-th certificate, or the key, is not one.
    #[error("item {0} is damaged: {1}")]
    Damaged(usize, String),
    /// The text is binary.
    #[error(
        "this is not PEM but binary, probably DER (convert with: openssl x509 -inform der -in FILE; \
         for keys: openssl pkey -inform der -in FILE)"
    )]
    Der,
    /// The key is protected by a password.
    #[error("the key is encrypted with a password (write it without one: openssl pkey -in FILE)")]
    Encrypted,
    /// Not valid PEM.
    #[error("{0}")]
    Malformed(&'static str),
    /// There is nothing of the kind in the text.
    #[error("there is no {wanted} in it{}", found_instead(.found))]
    Missing {
        /// What was looked for.
        wanted: &'static str,
        /// The first section that was there instead.
        found: Option<String>,
    },
}

fn found_instead(found: &Option<String>) -> String {
    match found {
        None => ", nor anything else in PEM (which begins with \"-----BEGIN \")".to_owned(),
        Some(found) => format!(", but \"{found}\" (are the files mixed up?)"),
    }
}

/// All certificates, at least one.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| malformed(&error))?;
    if found.is_empty() {
        return Err(missing(pem, "certificate"));
    }
    Ok(found)
}

/// The first private key.
pub(crate) fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, PemError> {
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(key),
        Err(Error::NoItemsFound) => Err(missing(pem, "private key")),
        Err(error) => Err(malformed(&error)),
    }
}

fn malformed(error: &Error) -> PemError {
    PemError::Malformed(match error {
        Error::MissingSectionEnd { .. } => "the last section has no end line; the text is cut off",
        Error::IllegalSectionStart { .. } => "a line that begins a section is not complete",
        Error::Base64Decode(_) => "a section is not valid base64",
        Error::SectionTooLarge => "a section is too large",
        _ => "this is not valid PEM",
    })
}

fn missing(pem: &[u8], wanted: &'static str) -> PemError {
    // A DER certificate or key is a SEQUENCE with a long length.
    if matches!(pem, [0x30, 0x80..=0x84, ..]) {
        return PemError::Der;
    }
    let text = String::from_utf8_lossy(pem);
    let found = text.lines().find_map(|line| {
        let label = line.trim().strip_prefix("-----BEGIN ")?;
        // The file may be any file, and its label goes to a terminal.
        let label = printable(label.strip_suffix("-----")?);
        Some(label.chars().take(40).collect())
    });
    match &found {
        Some(label) if label == "ENCRYPTED PRIVATE KEY" => PemError::Encrypted,
        _ => PemError::Missing { wanted, found },
    }
}

#[cfg(test)]
mod tests;
