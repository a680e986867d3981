use std::path::Path;

use narrows_endpoint::Source;
use narrows_log::{AccessFormat, Event, Record, Timestamp};
use serde::Deserialize;

use super::*;
use crate::config::{Key, Keys, Loaded, Schema};
use crate::problem::Problems;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(30);

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    log: Section,
}

impl Schema for File {
    const KEYS: Keys = Keys(&[
        Key::new("log.file", "\"a\"", "\"-\"", "Where."),
        Key::new("log.format", "\"json\"", "\"arcproxy\"", "How."),
        Key::new("log.sinks[].to", "\"journald\"", "none", "Where."),
        Key::new("log.sinks[].format", "\"json\"", "none", "How."),
        Key::new("log.sinks[].facility", "\"local4\"", "none", "What."),
        Key::new("log.sinks[].rotate_mib", "100", "none", "Size."),
        Key::new("log.sinks[].rotate_hours", "24", "none", "Age."),
        Key::new("log.sinks[].keep", "7", "7", "How many."),
        Key::new("log.sinks[].compress", "true", "false", "Whether."),
    ]);
}

fn sinks(text: &str, wanted: Wanted) -> Result<Vec<SinkSettings>, Problems> {
    let loaded = Loaded::<File>::parse("a.toml", text)?;
    let mut problems = loaded.problems.clone();
    let place = |part| -> Source { loaded.place(part) };
    let log = &loaded.file.log;
    let sinks = log.sinks(wanted, Path::new("/dir"), &place, &mut problems);
    Problems::check(problems).map(|()| sinks)
}

#[track_caller]
fn reads(text: &str, expected: &[&str]) {
    let found = sinks(text, Wanted::default()).unwrap();
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{text}");
}

#[track_caller]
fn refuses(text: &str, part: &str) {
    let problems = sinks(text, Wanted::default()).unwrap_err().to_string();
    assert!(problems.contains(part), "{text}: {problems}");
}

#[test]
fn the_short_form_is_one_sink_and_the_list_is_as_many_as_it_has() {
    reads("", &["on standard output (arcproxy)"]);
    reads("log.file = \"-\"", &["on standard output (arcproxy)"]);
    reads(
        "[log]\nfile = \"a.log\"\nformat = \"json\"",
        &["/dir/a.log (json)"],
    );
    reads(
        "[log]\nformat = \"squid\"\n[[log.sinks]]\nto = \"./a\"\n[[log.sinks]]\nto = \"journald\"\nformat = \"json\"",
        &["/dir/./a (squid)", "journald (json)"],
    );
}

#[test]
fn flags_beat_the_file() {
    let text = "[[log.sinks]]\nto = \"journald\"\n[[log.sinks]]\nto = \"stdout\"\nformat = \"clf\"";
    let wanted = Wanted {
        file: None,
        format: Some(Format::Access(AccessFormat::Json)),
    };
    let found = sinks(text, wanted.clone()).unwrap();
    assert_eq!(found[0].to_string(), "journald (json)");
    assert_eq!(found[1].to_string(), "on standard output (clf)");
    let file = Some("b.log".into());
    let found = sinks(text, Wanted { file, ..wanted }).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].to_string(), "file:b.log (json)");
}

#[test]
fn what_cannot_be_has_its_line() {
    let sink = |rest: &str| format!("[[log.sinks]]\n{rest}\n");
    refuses(
        &sink("to = \"jurnald\""),
        "a.toml:2: log.sinks[].to: \"jurnald\": write stdout",
    );
    refuses(
        &sink("fromat = \"json\""),
        "a.toml:2: unknown key \"fromat\" in [[log.sinks]] (did you mean \"format\"?)",
    );
    refuses(
        &sink("format = \"json\""),
        "a.toml:1: log.sinks: a sink does not say where to",
    );
    refuses(
        &sink("to = \"stdout\"\nkeep = 3"),
        "a.toml:3: log.sinks: only a file can be rotated",
    );
    refuses(
        &sink("to = \"/a\"\nkeep = 3"),
        "a.toml:3: log.sinks: nothing says when",
    );
    refuses(
        &sink("to = \"/a\"\nfacility = \"user\""),
        "only syslog has facilities",
    );
    refuses(
        &sink("to = \"/a\"\nrotate_mib = 0"),
        "a.toml:3: log.sinks[].rotate_mib: ",
    );
    refuses(
        &sink("to = \"syslog\"\nfacility = \"lcal4\""),
        "log.sinks[].facility: \"lcal4\": not a facility",
    );
    refuses(
        "[log]\nfile = \"/a\"\nsinks = [{ to = \"/b\" }]",
        "a.toml:2: log.file names the one sink",
    );
    refuses(
        "log.sinks = [{ to = \"/b\" }, { to = \"/b\" }]",
        "log.sinks: lines go to /b twice",
    );
}

fn note(text: &str) -> Record {
    Record::new(Timestamp::new(0, 0), Event::Note(text.into()))
}

#[test]
fn a_sink_that_is_away_holds_up_no_other_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let settings = |to: Destination| SinkSettings::new(to, Format::Arcproxy);
    let gone = SyslogAddress::Local(dir.path().join("gone"));
    let sinks = [
        settings(Destination::Syslog(gone)),
        settings(Destination::File(file.clone())),
    ];
    let writers = open(&sinks, "narrows-test").unwrap();
    let log = writers.handle();
    for line in 0..100 {
        log.record(&note(&format!("line{line}")));
    }
    let written = std::iter::repeat_with(|| log.status())
        .find(|status| status[1].counts.written == 100 && status[0].failing.is_some())
        .unwrap();
    assert_eq!(written[0].waiting, 100);
    let failing = written[0].failing.as_ref().unwrap();
    assert_eq!(failing.step, SinkStep::Write);
    let unwritten = writers.shutdown(LONG).unwrap_err();
    assert_eq!(unwritten.lines.get(), 100);
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 100);
}

#[test]
fn a_file_that_cannot_be_opened_is_said_with_its_name() {
    let to = Destination::File("/nowhere/at/all.log".into());
    let error = open(&[SinkSettings::new(to, Format::Arcproxy)], "x").unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("cannot open the log /nowhere/at/all.log: "),
        "{text}"
    );
}
