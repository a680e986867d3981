use std::path::PathBuf;

use super::*;

const ARCPROXY: &str = include_str!("../../../../narrows-log/testdata/arcproxy.log");
const SQUID: &str = include_str!("../../../../narrows-log/testdata/squid.log");

/// The lines in another form, and the notes.
fn convert_text(log: &str, to: &str) -> (String, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let file: PathBuf = directory.path().join("a.log");
    std::fs::write(&file, log).unwrap();
    let args = ConvertArgs {
        to: to.parse().unwrap(),
        files: vec![file],
    };
    let mut out = Vec::new();
    let converted = convert(&args, &mut out).unwrap();
    assert!(converted.problems.is_empty());
    (String::from_utf8(out).unwrap(), converted.notes)
}

fn report(log: &str) -> narrows_log::Report {
    let mut summary = narrows_log::Summary::default();
    log.lines()
        .for_each(|line| summary.add_line(line.as_bytes()));
    summary.report()
}

#[test]
fn json_says_all_that_arcproxy_said() {
    let (json, notes) = convert_text(ARCPROXY, "json");
    let (before, after) = (report(ARCPROXY), report(&json));
    assert_eq!(after.damaged, 0);
    assert_eq!(after.routes, before.routes);
    assert_eq!(after.requests, before.requests - before.without_end);
    let open = notes.iter().any(|note| note.contains("no end in the log"));
    assert_eq!(open, before.without_end > 0, "{notes:?}");
    let (back, notes) = convert_text(&json, "arcproxy");
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(report(&back).routes, before.routes);
}

#[test]
fn squid_and_clf_say_once_what_they_have_no_place_for() {
    let (squid, notes) = convert_text(ARCPROXY, "squid");
    assert_eq!(report(&squid).damaged, 0);
    for part in [
        "squid has no place for the client's port: ",
        "squid has no place for the number of the request: ",
        "squid has no place for the gateway's part in the way: ",
    ] {
        let found = notes.iter().filter(|note| note.starts_with(part)).count();
        assert_eq!(found, 1, "{part}: {notes:#?}");
    }
    let (clf, notes) = convert_text(ARCPROXY, "clf");
    assert_eq!(report(&clf).damaged, 0);
    let duration = notes
        .iter()
        .any(|note| note.starts_with("clf has no place for the duration: "));
    assert!(duration, "{notes:#?}");
}

#[test]
fn squid_to_squid_is_the_same_requests() {
    let (again, _) = convert_text(SQUID, "squid");
    assert_eq!(report(&again).routes, report(SQUID).routes);
    assert_eq!(report(&again).names, report(SQUID).names);
}

#[test]
fn damaged_lines_are_counted_and_the_first_is_shown_harmlessly() {
    let (json, notes) = convert_text("# a comment\n\u{1b}[31mnonsense\ntime=x\n", "json");
    assert_eq!(json, "");
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0].starts_with("2 damaged lines are left out, the first is "),
        "{notes:?}"
    );
    assert!(
        notes[0].contains("a.log:2: ") && !notes[0].contains('\u{1b}'),
        "{notes:?}"
    );
}

/// Takes so much and is gone.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_left_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.log");
    std::fs::write(&file, SQUID).unwrap();
    let args = ConvertArgs {
        to: Format::Arcproxy,
        files: vec![file],
    };
    let error = convert(&args, Gone).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}
