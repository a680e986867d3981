//! Any value for any key of a configuration file: what `config set` says it wrote is what `config get` says
//! then, comments and the other keys stay, and a refusal changes nothing.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use narrows_proxy::cli;
use narrows_proxy::config::KEYS;
use narrows_proxy::configure::{ConfigCommand, ConfigureError, Said, obey};
use narrows_proxy::reload::Sources;
use narrows_service::config::Key;
use tempfile::TempDir;

static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fn run(command: &ConfigCommand) -> Result<Said, ConfigureError> {
    let file = DIRECTORY.path().join("proxy.toml");
    let (cli, origins) = cli::parse(["narrows-proxy", "--config", file.to_str().unwrap()]).unwrap();
    // Where a running proxy would leave word.
    let runtime = DIRECTORY.path().to_str().unwrap().to_owned();
    let lookup = move |name: &str| (name == "RUNTIME_DIRECTORY").then(|| runtime.clone());
    obey(
        command,
        &Sources::new(cli.options, origins, Box::new(lookup)),
    )
}

fn get(key: &Key) -> String {
    let key = key.path.to_owned();
    run(&ConfigCommand::Get { key }).unwrap().text
}

/// A key of the file that can be set.
fn key(number: u8) -> &'static Key {
    let keys: Vec<_> = KEYS
        .0
        .iter()
        .filter(|key| !key.path.contains("[]"))
        .collect();
    keys[usize::from(number) % keys.len()]
}

/// A file with the examples of these keys, and comments before and behind each.
fn file(numbers: &[u8], sections: bool) -> (String, Vec<&'static Key>) {
    let mut keys: Vec<_> = numbers.iter().map(|&number| key(number)).collect();
    keys.sort_by_key(|key| key.split());
    keys.dedup();
    let (mut text, mut section) = (String::new(), "");
    for (at, key) in keys.iter().enumerate() {
        let (own, name) = key.split();
        let mut line = key.line();
        if sections {
            line = format!("{name} = {}", key.example);
            if own != section {
                text += &format!("[{own}] # section {at}.\n");
                section = own;
            }
        }
        text += &format!("# before {at}.\n{line} # behind {at}.\n");
    }
    (text, keys)
}

// Two octets (sections or not; the key that is set), a count of keys and so many numbers of keys that stand
// there, and the value.
fuzz_target!(|input: &[u8]| {
    let [sections, number, count, rest @ ..] = input else {
        return;
    };
    let (numbers, value) = rest.split_at(usize::from(*count % 8).min(rest.len()));
    let Ok(value) = std::str::from_utf8(value) else {
        return;
    };
    if value.contains("/dev") || value.contains("/proc") {
        return;
    }
    let (text, keys) = file(numbers, sections % 2 == 1);
    let path = DIRECTORY.path().join("proxy.toml");
    fs::write(&path, &text).unwrap();
    let key = key(*number);
    let before: Vec<_> = keys.iter().map(|key| get(key)).collect();
    let set = run(&ConfigCommand::Set {
        key: key.path.to_owned(),
        value: vec![value.to_owned()],
    });
    let now = fs::read_to_string(&path).unwrap();
    let Ok(said) = set else {
        return assert_eq!(now, text);
    };
    let wanted = format!("Config property {} set to value {}", key.path, get(key));
    assert!(
        said.text.starts_with(&wanted),
        "{} is not {wanted}",
        said.text
    );
    let comments = |text: &str| {
        let behind = text
            .lines()
            .filter_map(|line| line.rsplit_once(" # behind "));
        let lines = text.lines().filter(|line| line.starts_with("# before "));
        (behind.count(), lines.count())
    };
    assert_eq!(comments(&now), comments(&text), "{now}");
    for (other, before) in keys.iter().zip(before).filter(|(other, _)| **other != key) {
        assert_eq!(get(other), before, "{}: {now}", other.path);
    }
});
