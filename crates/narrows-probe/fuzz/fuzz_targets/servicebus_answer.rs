//! Any bytes as the answer of the allowlist service: no panic, and every name that is taken is one name
//! below the suffix, in order and once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narrows_probe::servicebus::{MAX_NAMES, names};

fuzz_target!(|answer: &[u8]| {
    let Ok(names) = names(answer, "servicebus.windows.net") else {
        return;
    };
    assert!(!names.is_empty() && names.len() <= MAX_NAMES);
    assert!(names.is_sorted_by(|a, b| a < b));
    for name in names {
        assert!(name.ends_with(".servicebus.windows.net"));
        assert!(!name.contains(['*', ':', '/', ' ', '\n']));
    }
});
