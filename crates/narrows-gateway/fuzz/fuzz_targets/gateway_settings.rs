//! Any text as the gateway's configuration file: no panic; settings, or what is wrong, each with one of its
//! lines.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use narrows_endpoint::Source;
use narrows_gateway::cli::Options;
use narrows_gateway::settings::Settings;
use tempfile::TempDir;

static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|text: &str| {
    let file = DIRECTORY.path().join("gateway.toml");
    fs::write(&file, text).unwrap();
    let mut options = Options::default();
    options.dir = Some(DIRECTORY.path().to_owned());
    let Err(problems) = Settings::resolve(&options) else {
        return;
    };
    let last = u32::try_from(text.matches('\n').count() + 1).unwrap();
    assert!(problems.iter().count() > 0);
    for problem in problems.iter() {
        assert!(!problem.message.is_empty());
        let Source::File { line, .. } = &problem.source else {
            panic!("{problem}: not a place in the file");
        };
        assert!((1..=last).contains(line), "{problem}");
    }
});
