//! Any lines as values of `Via`: what is kept is one short line that a header may have, reads as itself, and
//! names whoever is added.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narrows_connect::{MAX_VIA, Version, Via};

fuzz_target!(|values: &[u8]| {
    let read = Via::read(values.split(|&octet| octet == b'\n'));
    let then = read.then(Version::Http11, "narrows-0123");
    assert!(then.names("NARROWS-0123"));
    for via in [&read, &then] {
        assert!(via.as_str().len() <= MAX_VIA);
        assert!(
            via.as_str()
                .bytes()
                .all(|octet| matches!(octet, b' '..=b'~'))
        );
        assert_eq!(&Via::read([via.as_str().as_bytes()]), via);
    }
});
