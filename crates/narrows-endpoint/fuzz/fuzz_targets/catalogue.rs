//! A text is a catalogue that can be used, or is refused with one of its lines.

#![no_main]

use libfuzzer_sys::fuzz_target;
use narrows_endpoint::{Catalogue, Parameters, Route, Routes, RuleSet};

fuzz_target!(|text: &str| {
    let catalogue: Catalogue = match text.parse() {
        Ok(catalogue) => catalogue,
        Err(error) => {
            assert!(
                error.line() <= text.lines().count().max(1) as u64,
                "{error}"
            );
            return drop(error.problem().to_string());
        }
    };
    for region in catalogue.regions() {
        catalogue
            .expand(&region.name, &Parameters::new())
            .expect("a region of its own");
    }
    let routes = Routes {
        never: Route::Direct,
        default: Route::Direct,
    };
    catalogue
        .add_to(RuleSet::builder(routes))
        .build()
        .expect("good rules");
});
