use proptest::prelude::*;

use super::brief::What;
use super::*;

const ARCPROXY: &str = include_str!("../../testdata/arcproxy.log");
const SQUID: &str = include_str!("../../testdata/squid.log");

#[test]
fn every_line_says_its_form() {
    for line in ARCPROXY.lines() {
        assert!(matches!(Entry::parse(line), Ok(Entry::Record(_))), "{line}");
        assert!(Brief::parse(line).is_some(), "{line}");
    }
    for line in SQUID.lines().filter(|line| !line.starts_with('#')) {
        let Ok(Entry::Access(access)) = Entry::parse(line) else {
            panic!("{line}");
        };
        assert!(access.result.is_some());
        for form in AccessFormat::ALL {
            let mut out = String::new();
            access.write_line(form, &mut out);
            assert!(matches!(Entry::parse(&out), Ok(Entry::Access(_))), "{out}");
        }
    }
    let note = r#"{"time":"2024-07-17T04:14:46.339Z","level":"WARN","msg":"stopped by SIGTERM"}"#;
    assert!(matches!(Entry::parse(note), Ok(Entry::Record(_))));
}

#[test]
fn what_is_damaged_says_what_it_looks_like() {
    for (line, start) in [
        (
            "time=2024-07-17T04:14:46.339-07:00 level=IN",
            "looks like arcproxy: ",
        ),
        ("1795288236.129 5 127.0.0.1 TCP_TUN", "looks like squid: "),
        ("2024/07/18 04:52:41 1721278361.538", "looks like squid: "),
        ("{\"time\":", "looks like json: "),
        ("10.0.0.1 - - [21/Nov/2026", "looks like clf: "),
    ] {
        let error = Entry::parse(line).unwrap_err().to_string();
        assert!(error.starts_with(start), "{line}: {error}");
    }
}

/// What the general parser says, in the words of the brief one.
fn general(line: &str) -> Option<(crate::Timestamp, crate::ConnId, String)> {
    let Ok(Entry::Record(record)) = Entry::parse(line) else {
        return None;
    };
    let (id, what) = match record.event {
        Event::Done {
            id,
            sent,
            received,
            via,
        } => (id, format!("{via} {sent} {received}")),
        Event::Open { id, target, .. } => (id, target.to_string()),
        _ => return None,
    };
    Some((record.time, id, what))
}

fn brief(line: &str) -> Option<(crate::Timestamp, crate::ConnId, String)> {
    let brief = Brief::parse(line)?;
    let what = match brief.what {
        What::Done {
            via,
            sent,
            received,
        } => format!("{via} {sent} {received}"),
        What::Open(target) => target.to_owned(),
    };
    Some((brief.time, brief.id, what))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_the_brief_parser_takes_the_general_one_reads_the_same(
        line in 0..28usize,
        at in 0..140usize,
        cut in 0..3usize,
        put in prop_oneof!["[ -~]{0,2}", any::<String>(), "(\\.|0x1|:0|99999999999|\\\\n|A|\")"],
    ) {
        let line = ARCPROXY.lines().nth(line).unwrap();
        let at = at.min(line.len());
        let line = format!("{}{put}{}", &line[..at], &line[(at + cut).min(line.len())..]);
        if let Some(found) = brief(&line) {
            prop_assert_eq!(general(&line), Some(found), "{}", line);
        }
    }

    #[test]
    fn targets_of_any_kind_read_the_same(host in "[a-zA-Z0-9._x-]{1,12}", port in "[0-9]{1,6}") {
        let line = format!("time=2024-07-17T04:14:46.339-07:00 level=INFO \
            msg=\"P:1:C:1 127.0.0.1:49797 --> {host}:{port} on HTTP-1.1\"");
        if let Some(found) = brief(&line) {
            prop_assert_eq!(general(&line), Some(found), "{}", line);
        }
    }

    #[test]
    fn no_line_panics(line in any::<String>()) {
        let _ = Entry::parse(&line);
        let _ = Brief::parse(&line);
    }
}
