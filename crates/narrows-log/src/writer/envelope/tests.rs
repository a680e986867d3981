use narrows_endpoint::{Hop, Step};
use proptest::prelude::*;

use super::*;
use crate::access::AccessFormat;
use crate::event::Event;
use crate::words::ConnId;

fn refused(target: &str) -> Record {
    let event = Event::Refused {
        client: "127.0.0.1:49802"
            .parse::<std::net::SocketAddr>()
            .unwrap()
            .into(),
        hop: Hop::Narrows,
        id: ConnId {
            listener: 1,
            connection: 3,
        },
        reason: "no".into(),
        status: 403,
        step: Step::Decide,
        target: target.into(),
    };
    Record::new(Timestamp::new(1_721_214_886_339, -7 * 3600), event)
}

fn syslog() -> Envelope {
    Envelope::Syslog(SyslogHeader::new(
        "local4".parse().unwrap(),
        "edge 1",
        "narrows-proxy",
        42,
    ))
}

fn write(envelope: &Envelope, item: Item<'_>, format: Format) -> String {
    let mut out = String::new();
    envelope.write(item, format, &mut out);
    out
}

#[test]
fn a_syslog_message_has_the_header_of_rfc_5424() {
    let record = refused("example.com:443");
    assert_eq!(
        write(&syslog(), Item::Record(&record), Format::Arcproxy),
        format!(
            "<164>1 2024-07-17T04:14:46.339-07:00 edge_1 narrows-proxy 42 refused - {record}\n"
        ),
    );
    let squid = Format::Access(AccessFormat::Squid);
    assert_eq!(write(&syslog(), Item::Record(&record), squid), "");
}

#[test]
fn a_journal_entry_has_the_line_and_what_it_says() {
    let journal = Envelope::Journal {
        identifier: "narrows-proxy".into(),
    };
    let record = refused("a\n\u{1f}b");
    let entry = write(&journal, Item::Record(&record), Format::Arcproxy);
    let fields: Vec<_> = entry.trim_end().split(SEPARATOR).collect();
    let message = format!("MESSAGE={record}");
    assert_eq!(
        fields,
        [
            &*message,
            "PRIORITY=4",
            "SYSLOG_IDENTIFIER=narrows-proxy",
            "NARROWS_EVENT=refused",
            "NARROWS_ID=P:1:C:3",
            "NARROWS_CLIENT=127.0.0.1:49802",
            r"NARROWS_TARGET=a\n\x1fb",
            "NARROWS_STATUS=403",
            "NARROWS_BY=narrows",
            "NARROWS_STEP=decide",
            "NARROWS_REASON=no",
        ]
    );
}

#[test]
fn facilities_are_words() {
    assert_eq!("daemon".parse(), Ok(Facility::DAEMON));
    assert_eq!("locl0".parse::<Facility>(), Err(UnknownFacility));
}

proptest! {
    // Each case writes long lines in every form.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_is_inside_it_stays_one_bounded_line(target in "\\PC{0,40}|(?s).{0,40}", many in 0_usize..400) {
        let target = target.repeat(many);
        let record = refused(&target);
        let mut access = Access::new(record.time, target.clone());
        access.target = target.clone().into();
        access.method = target.into();
        let journal = Envelope::Journal { identifier: "x".into() };
        for format in Format::ALL {
            for item in [Item::Record(&record), Item::Access(&access)] {
                let line = write(&syslog(), item, format);
                prop_assert!(line.len() <= MAX_SYSLOG + 1);
                prop_assert!(line.is_empty() || line.find('\n') == Some(line.len() - 1));
                let entry = write(&journal, item, format);
                prop_assert!(entry.is_empty() || entry.find('\n') == Some(entry.len() - 1));
                for field in entry.trim_end_matches('\n').split(SEPARATOR) {
                    prop_assert!(entry.is_empty() || field.contains('='));
                }
            }
        }
    }
}

const SEPARATOR: char = '\u{1f}';
