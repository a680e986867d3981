//! Any text as a proxy's address and as the list of what goes past it: no panic, and nothing is dropped
//! without a word.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narrows_proxy::environment::Environment;

/// What goes directly without being listed.
const IMPLIED: usize = 3;

// The proxy on the first line, the list on the others.
fuzz_target!(|text: &str| {
    let (proxy, list) = text
        .split_once('\n')
        .unwrap_or(("proxy.example:3128", text));
    let lookup = |name: &str| match name {
        "HTTPS_PROXY" => Some(proxy.to_owned()),
        "NO_PROXY" => Some(list.to_owned()),
        _ => None,
    };
    let Ok(read) = Environment::read(lookup, |_| false) else {
        return;
    };
    let separates = |c: char| c == ',' || c.is_whitespace();
    let entries = list
        .split(separates)
        .filter(|entry| !entry.is_empty())
        .count();
    if read.upstream.is_some() {
        let listed = read.bypass.len() - IMPLIED + read.warnings.len();
        // A name stands for itself and for the names below it.
        assert!((entries..=2 * entries).contains(&listed), "{read:?}");
    }
});
