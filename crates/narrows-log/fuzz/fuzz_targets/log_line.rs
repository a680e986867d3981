//! Any text as a log line: no panic, and what is read is written as one line that reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narrows_log::{Event, Record, Timestamp};

fuzz_target!(|text: &str| {
    let note = Record::new(Timestamp::new(0, 0), Event::Note(text.into()));
    for record in [text.parse(), Ok(note)].into_iter().flatten() {
        let line = record.to_string();
        assert!(!line.contains(['\n', '\r', '\u{2028}']));
        assert_eq!(line.parse::<Record>(), Ok(record));
    }
});
