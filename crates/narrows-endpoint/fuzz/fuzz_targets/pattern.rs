//! A pattern reads back what it writes, a rule set agrees with its pattern, and nothing panics.

#![no_main]

use libfuzzer_sys::fuzz_target;
use narrows_endpoint::{Level, Pattern, Route, Routes, RuleSet, Source, Target};

const ROUTES: Routes = Routes {
    never: Route::Direct,
    default: Route::Direct,
};

// A pattern and a target on two lines.
fuzz_target!(|text: &str| {
    let (pattern, target) = text.split_once('\n').unwrap_or((text, "example.com:443"));
    let pattern: Pattern = match pattern.parse() {
        Ok(pattern) => pattern,
        Err(error) => return drop(error.to_string()),
    };
    assert_eq!(pattern.to_string().parse(), Ok(pattern.clone()));
    let Ok(target) = target.parse::<Target>() else {
        return;
    };
    let matches = pattern.matches(&target);
    let rules = RuleSet::builder(ROUTES)
        .rule(Level::Deny, pattern, Source::BuiltIn)
        .build()
        .expect("one good rule");
    assert_eq!(rules.decide(&target).pattern.is_some(), matches);
    assert!(Pattern::from(target.clone()).matches(&target));
});
