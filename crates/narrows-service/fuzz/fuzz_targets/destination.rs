//! Any text as the place that log lines go to: no panic, and what is read reads the same as it is written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narrows_service::log::Destination;

fuzz_target!(|text: &str| {
    match text.parse::<Destination>() {
        // Written for sentences, not for files.
        Ok(Destination::Stdout) => {}
        Ok(destination) => assert_eq!(destination.to_string().parse(), Ok(destination)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
