use super::*;

#[test]
fn arcproxy_lines_come_back_byte_for_byte() {
    let log = include_str!("../../testdata/arcproxy.log");
    assert_eq!(log.lines().count(), 28);
    for line in log.lines() {
        let record: Record = line.parse().unwrap();
        assert!(!matches!(record.event, Event::Note(_)), "{line}");
        assert_eq!(record.to_string(), line);
    }
}
