//! Any octets as the files of certificates and keys: no panic, and what is said of them is one line that has
//! no part of a key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narrows_upstream::TlsSettings;

/// So many octets of Base64 in a row are a part of a key; labels of sections are cut at forty.
const PART: usize = 48;

fn harmless(said: &str, file: &[u8]) {
    assert!(!said.contains(char::is_control), "{said:?}");
    let is_base64 = |octet: &u8| octet.is_ascii_alphanumeric() || b"+/=".contains(octet);
    let mut parts = said
        .as_bytes()
        .windows(PART)
        .filter(|part| part.iter().all(is_base64));
    assert!(
        !parts.any(|part| file.windows(PART).any(|other| other == part)),
        "{said}"
    );
}

fuzz_target!(|file: &[u8]| {
    if let Err(error) = TlsSettings::new().with_authorities(file) {
        harmless(&error.to_string(), file);
    }
    match TlsSettings::new().with_client_certificate(file, file) {
        Ok(settings) => harmless(&format!("{settings:?}"), file),
        Err(error) => harmless(&error.to_string(), file),
    }
});
