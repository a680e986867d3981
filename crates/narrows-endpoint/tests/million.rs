//! Row 45: very many rules, as one who imports a blocklist has. In a process of its own, because it counts
//! what they hold.
#![allow(clippy::unwrap_used, missing_docs)]
#![allow(clippy::disallowed_methods, reason = "a test may look at the clock")]

use std::sync::Arc;
use std::time::Instant;

use narrows_endpoint::{Level, Route, Routes, RuleError, RuleSet, Source, Target};

/// Rules hold less than this each: their text, place and index.
const OCTETS_EACH: u64 = 512;

fn read(count: usize, last: &str) -> Result<RuleSet, RuleError> {
    let path: Arc<str> = "blocklist".into();
    let mut rules = RuleSet::builder(Routes {
        never: Route::Direct,
        default: Route::Direct,
    });
    for line in 1..count {
        let text = match line % 4 {
            0 => format!("*.customer{line}.example.net"),
            1 => format!("host{line}.example.com:443"),
            2 => format!(
                "10.{}.{}.{}",
                (line >> 16) & 255,
                (line >> 8) & 255,
                line & 255
            ),
            _ => format!("www.shop{line}.example.org"),
        };
        rules = rules.text(Level::Deny, &text, place(&path, line))?;
    }
    rules.text(Level::Deny, last, place(&path, count))?.build()
}

fn place(path: &Arc<str>, line: usize) -> Source {
    Source::File {
        path: Arc::clone(path),
        line: u32::try_from(line).unwrap(),
    }
}

/// Reads so many, decides by them, and breaks the last one: the figures.
fn many(count: usize) -> String {
    let start = Instant::now();
    let mut rules = None;
    let held = allocation_counter::measure(|| rules = Some(read(count, "last.example").unwrap()));
    let (rules, took) = (rules.unwrap(), start.elapsed());
    let each = held.bytes_current.unsigned_abs() / count as u64;
    assert!(each < OCTETS_EACH, "{each} octets for each rule");

    let target = |text: &str| -> Target { text.parse().unwrap() };
    let found = rules.decide(&target("last.example:443"));
    assert_eq!(found.route, Route::Deny);
    let said = format!("{found:?}");
    assert!(said.contains(&count.to_string()), "{said}");
    let targets = [
        "a.b.customer4.example.net:443",
        "nobody.example:443",
        "10.0.0.2:1",
    ]
    .map(target);
    let routes = targets.each_ref().map(|target| rules.decide(target).route);
    assert_eq!(routes, [Route::Deny, Route::Direct, Route::Deny]);
    let start = Instant::now();
    let deciding = allocation_counter::measure(|| {
        for target in targets.iter().cycle().take(3000) {
            std::hint::black_box(rules.decide(std::hint::black_box(target)));
        }
    });
    assert_eq!(deciding.count_total, 0);
    let decided = start.elapsed() / 3000;
    let error = read(count, "*.*.bad..example").unwrap_err().to_string();
    assert!(error.contains(&format!("blocklist:{count}")), "{error}");
    format!("{count} rules: read in {took:?}, {each} octets each, decided in {decided:?} each")
}

#[test]
fn row_45_twenty_thousand_rules() {
    println!("{}", many(20_000));
}

/// `cargo test -p narrows-endpoint --test million -- --ignored --nocapture`
#[test]
#[ignore = "takes a minute without optimisation"]
fn row_45_a_million_rules() {
    println!("{}", many(1_000_000));
}
