//! `docs/security.md` says what is tested by which test, and `docs/proof.md` what is fuzzed and played. These
//! checks keep them from saying more than the sources have.

use std::collections::BTreeMap;
use std::path::Path;

/// How far a row of the abuse table is shown; the second cell from the right says it.
pub const STANDINGS: [&str; 5] = ["sockets", "partly", "unit", "no feature", "not tested"];

/// Breaches of the abuse table: a number that is left out, doubled or out of order up to `last`, a standing
/// that is none of [`STANDINGS`], and a claim without a test.
pub fn check_rows(document: &str, last: usize) -> Vec<String> {
    let mut breaches = Vec::new();
    let mut numbers = Vec::new();
    for cells in rows(document) {
        let Ok(number) = cells[0].parse::<usize>() else {
            continue;
        };
        numbers.push(number);
        let [_, _, _, standing, tests] = cells[..] else {
            breaches.push(format!("row {number}: {} cells, not 5", cells.len()));
            continue;
        };
        let cited = !citations(tests).is_empty();
        match standing {
            "sockets" | "partly" | "unit" if !cited => {
                breaches.push(format!("row {number}: {standing:?} without a test"));
            }
            _ if STANDINGS.contains(&standing) => {}
            _ => breaches.push(format!("row {number}: {standing:?} is no standing")),
        }
    }
    if numbers != (1..=last).collect::<Vec<_>>() {
        breaches.push(format!("the rows are {numbers:?}, not 1 to {last}"));
    }
    breaches
}

/// Breaches of the citations, `path.rs::name`: a file that `read` does not have, or a test that is not in it.
pub fn check_citations(document: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut breaches = Vec::new();
    for (path, name) in citations(document) {
        match read(path) {
            None => breaches.push(format!("{path}: no such file")),
            Some(source) if !has_test(&source, name) => {
                breaches.push(format!("{path}: no test {name}"));
            }
            Some(_) => {}
        }
    }
    breaches
}

/// Breaches of the table of fuzz targets: one that `found` has with another number of seeds or not at all,
/// and one that only the table has. Targets are named as they are run: `crates/NAME/fuzz TARGET`.
pub fn check_fuzz_targets(document: &str, found: &BTreeMap<String, usize>) -> Vec<String> {
    let mut breaches = Vec::new();
    let mut listed = BTreeMap::new();
    for cells in rows(document) {
        let target = cells[0].trim_matches('`');
        if target.starts_with("crates/") {
            listed.insert(target.to_owned(), cells.last().copied().unwrap_or_default());
        }
    }
    for (target, seeds) in found {
        match listed.remove(target) {
            None => breaches.push(format!("{target}: not in the table")),
            Some(said) if said != seeds.to_string() => {
                breaches.push(format!("{target}: {seeds} seeds, not {said}"));
            }
            Some(_) => {}
        }
    }
    breaches.extend(listed.keys().map(|gone| format!("{gone}: no such target")));
    breaches
}

/// The fuzz targets below `root` and how many seeds each has.
///
/// # Panics
///
/// When a directory cannot be read.
pub fn fuzz_targets(root: &Path) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for package in names(&root.join("crates")) {
        let fuzz = format!("crates/{package}/fuzz");
        let targets = root.join(&fuzz).join("fuzz_targets");
        if !targets.exists() {
            continue;
        }
        for file in names(&targets) {
            let target = file.trim_end_matches(".rs");
            let corpus = root.join(&fuzz).join("corpus").join(target);
            let seeds = corpus.exists().then(|| names(&corpus).len());
            found.insert(format!("{fuzz} {target}"), seeds.unwrap_or(0));
        }
    }
    found
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory of the workspace");
    entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.into_string().expect("our names are ASCII"))
        .collect()
}

/// The cells of every line that is a row of a table. A cell has no `|` of its own.
fn rows(document: &str) -> impl Iterator<Item = Vec<&str>> {
    document.lines().filter_map(|line| {
        let line = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
        Some(line.split('|').map(str::trim).collect())
    })
}

/// Every code span of the form `path.rs::name`, as often as it stands there.
fn citations(text: &str) -> Vec<(&str, &str)> {
    let spans = text.split('`').skip(1).step_by(2);
    let cited = spans.filter_map(|span| {
        let (_, name) = span.split_once(".rs::")?;
        Some((&span[..span.len() - name.len() - "::".len()], name))
    });
    cited.collect()
}

/// Whether there is a function of this name that a test harness runs: with `#[test]` or its like right above
/// it, or alone on a line, as macros list theirs.
fn has_test(source: &str, name: &str) -> bool {
    let Some(at) = source.find(&format!("fn {name}(")) else {
        return false;
    };
    let line = source[..at].rfind('\n').map_or(0, |end| end + 1);
    let above = source[..line].lines().rev().map(str::trim_start);
    let mut above = above.take_while(|line| line.starts_with("#[") || line.starts_with("///"));
    above.any(|line| line.starts_with("#[") && line.contains("test"))
        || source.lines().any(|line| line.trim() == name)
}
