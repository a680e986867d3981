//! Any text as a gateway's definition: no panic, what is read is written as what reads the same, and its
//! features can be asked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narrows_endpoint::{Catalogue, Source};
use narrows_gateway::carries::Carries;
use narrows_gateway::definition::Definition;
use narrows_gateway::feature::Feature;

// Reading the built-in catalogue is no part of an input.
fuzz_target!(init: { Catalogue::built_in(); }, |text: &str| {
    let Ok(definition) = serde_json::from_str::<Definition>(text) else {
        return;
    };
    let again: Definition = serde_json::from_str(&definition.to_json()).unwrap();
    assert_eq!(again, definition);
    // The catalogue's groups are no input, and take long to compile.
    let features = definition.allowed_features.iter().map(|text| &text.feature);
    let features = features.filter(|feature| matches!(feature, Feature::Rule { .. }));
    let features = features.map(|feature| (feature, Source::BuiltIn));
    if let Ok(carries) = Carries::compile(features, Catalogue::built_in()) {
        let metadata = "169.254.169.254:80".parse().unwrap();
        let named = carries.target(&metadata).is_some();
        let reached = carries
            .address(&metadata, "169.254.169.254".parse().unwrap())
            .is_ok();
        assert!(
            named || !reached,
            "an address that no feature names is open"
        );
    }
});
