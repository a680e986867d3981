//! Any octets as a log of mixed lines: no panic, every line counted, and nothing in the report that a
//! terminal would obey.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narrows_log::Summary;

fuzz_target!(|log: &[u8]| {
    let mut summary = Summary::default();
    let mut lines = 0;
    for line in log.split(|&byte| byte == b'\n') {
        summary.add_line(line);
        lines += 1;
    }
    let report = summary.report();
    assert_eq!(report.lines, lines);
    let names = report.names.iter().map(|name| &name.target);
    let reasons = report.failures.iter().map(|row| &row.reason);
    let errors = report.damage.iter().map(|damage| &damage.error);
    for text in names.chain(reasons).chain(errors) {
        assert!(!text.contains(char::is_control), "{text:?}");
    }
});
