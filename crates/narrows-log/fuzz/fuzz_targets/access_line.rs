//! Any text as an access line of every format: no panic, and what is read is written as one line that
//! says the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narrows_log::{Access, AccessFormat};

fuzz_target!(|text: &str| {
    for format in AccessFormat::ALL {
        let Ok(access) = Access::parse(format, text) else { continue };
        let mut line = String::new();
        access.write_line(format, &mut line);
        assert!(!line.trim_end_matches('\n').contains(['\n', '\r', '\u{2028}']));
        let mut again = String::new();
        Access::parse(format, &line).unwrap().write_line(format, &mut again);
        assert_eq!(again, line);
    }
});
