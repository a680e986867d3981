//! Any text as the proxy's configuration file: no panic; settings, or what is wrong, each with one of its
//! lines.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use narrows_endpoint::Source;
use narrows_proxy::cli;
use narrows_proxy::reload::Sources;

static SOURCES: LazyLock<Sources> = LazyLock::new(|| {
    let (cli, origins) = cli::parse(["narrows-proxy"]).unwrap();
    Sources::new(cli.options, origins, Box::new(|_| None))
});

fuzz_target!(|text: &str| {
    // Settings may name files that are read, and some of those have no end.
    if text.contains("/dev") || text.contains("/proc") {
        return;
    }
    let Err(problems) = SOURCES.settings_with(Path::new("proxy.toml"), text) else {
        return;
    };
    let last = u32::try_from(text.matches('\n').count() + 1).unwrap();
    assert!(problems.iter().count() > 0);
    for problem in problems.iter() {
        assert!(!problem.message.is_empty());
        if let Source::File { line, .. } = &problem.source {
            assert!((1..=last).contains(line), "{problem}");
        }
    }
});
