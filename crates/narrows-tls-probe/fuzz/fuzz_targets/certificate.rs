//! Any bytes as a certificate: no panic, and what is read can be judged and is harmless text.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use narrows_endpoint::Host;
use narrows_tls_probe::chain::{Certificate, Circumstances, judge};

fuzz_target!(|der: &[u8]| {
    let Ok(certificate) = Certificate::from_der(der) else {
        return;
    };
    for text in [&certificate.subject.text, &certificate.issuer.text] {
        assert!(!text.chars().any(char::is_control));
    }
    let host: Host = "host.example".parse().unwrap();
    let known = Circumstances {
        host: &host,
        now: certificate.not_after,
        accepted: false,
        anchored: Some(false),
        public: None,
        expiring_within: Duration::ZERO,
    };
    for fault in judge(&[certificate], &known).faults {
        assert!(!fault.to_string().is_empty());
    }
});
