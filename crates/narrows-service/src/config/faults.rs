//! Finds everything that is wrong with the form of a file, not only the first thing.
//!
//! serde stops at the first fault. So each pass names one fault, cuts what caused it out of the parsed
//! document, and looks on; what is left in the end deserialises. Every pass removes something, so the
//! passes end; and there are no more than [`MOST`], because each goes over the whole document.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::Lines;
use super::keys::Keys;

/// Faults of one kind that are named one by one. Whoever forgot the quotes around a hundred thousand names
/// needs to be told once.
pub(super) const MOST: usize = 100;

/// One thing wrong with a file.
#[derive(Debug)]
pub(super) struct Fault {
    /// The octet where it stands.
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Reads what is good of a file, and says everything that is wrong with its form.
///
/// # Errors
///
/// The text is not TOML, so nothing of it can be relied on.
pub(super) fn read<F: DeserializeOwned>(
    text: &str,
    lines: &Lines,
    keys: Keys,
) -> Result<(F, Vec<Fault>), Vec<Fault>> {
    let (mut document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What a broken document means is a guess, so its keys are not judged; and what follows an
        // error in its own line is an echo.
        let mut faults: Vec<_> = errors.iter().map(syntax).collect();
        faults.dedup_by_key(|fault| lines.line(fault.at));
        let beyond = faults.split_off(MOST.min(faults.len()));
        let more = beyond.len();
        if let Some(first) = beyond.into_iter().next() {
            faults.push(Fault {
                message: format!("not TOML either, from here on: {more} lines"),
                ..first
            });
        }
        return Err(faults);
    }
    let mut faults = Vec::new();
    cut_unknown(document.get_mut(), "", keys, &mut faults);
    for _ in 0..MOST {
        match F::deserialize(Deserializer::from(document.clone())) {
            Ok(file) => return Ok((file, faults)),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                let key = cut(document.get_mut(), "", keys, at);
                let found = key.is_some();
                faults.push(wrong_value(error.message(), at, key.as_deref(), keys));
                if !found {
                    return Err(faults);
                }
            }
        }
    }
    faults.push(Fault {
        at: faults.last().map_or(0, |last| last.at),
        message: format!("{MOST} values are wrong, and nothing behind them was looked at"),
        hint: None,
    });
    Err(faults)
}

fn syntax(error: &toml::de::Error) -> Fault {
    Fault {
        at: error.span().map_or(0, |span| span.start),
        message: format!("not TOML: {}", error.message()),
        hint: None,
    }
}

fn wrong_value(message: &str, at: usize, key: Option<&str>, keys: Keys) -> Fault {
    let Some(key) = key else {
        return Fault {
            at,
            message: message.to_owned(),
            hint: None,
        };
    };
    Fault {
        at,
        message: format!("{key}: {message}"),
        hint: keys.example(key),
    }
}

/// Removes every key that no struct knows, and says so for each.
fn cut_unknown(table: &mut DeTable<'_>, section: &str, keys: Keys, faults: &mut Vec<Fault>) {
    let mut unknown = Vec::new();
    for (key, value) in table.iter_mut() {
        let path = join(section, key.get_ref());
        if keys.find(&path).is_some() {
            continue;
        }
        match value.get_mut() {
            DeValue::Table(inner) if keys.is_section(&path) => {
                cut_unknown(inner, &path, keys, faults);
            }
            DeValue::Array(items) if keys.is_list(&path) => {
                let path = format!("{path}[]");
                for item in items.iter_mut() {
                    if let DeValue::Table(inner) = item.get_mut() {
                        cut_unknown(inner, &path, keys, faults);
                    }
                }
            }
            _ if keys.is_list(&path) => {}    // Not a list: the same.
            _ if keys.is_section(&path) => {} // Not a table: the wrong type, which serde says.
            _ => {
                faults.push(unknown_key(section, key, keys));
                unknown.push(key.clone());
            }
        }
    }
    for key in unknown {
        table.remove(&key);
    }
}

fn unknown_key(section: &str, key: &Spanned<impl AsRef<str>>, keys: Keys) -> Fault {
    let name = key.get_ref().as_ref();
    let meant = keys
        .nearest(section, name)
        .map(|question| format!(" ({question})"))
        .unwrap_or_default();
    let place = match section {
        "" => String::new(),
        section => match section.strip_suffix("[]") {
            Some(list) => format!(" in [[{list}]]"),
            None => format!(" in [{section}]"),
        },
    };
    Fault {
        at: key.span().start,
        message: format!("unknown key {name:?}{place}{meant}"),
        hint: meant
            .is_empty()
            .then(|| format!("known here: {}", keys.of_section(section).join(", "))),
    }
}

/// Removes the innermost value that spans the octet `at`; the path of the key that held it.
fn cut(table: &mut DeTable<'_>, section: &str, keys: Keys, at: usize) -> Option<String> {
    let mut found = None;
    for (key, value) in table.iter_mut() {
        let path = join(section, key.get_ref());
        let whole = value.span();
        match value.get_mut() {
            DeValue::Table(inner) if keys.is_section(&path) => {
                if let Some(path) = cut(inner, &path, keys, at) {
                    return Some(path);
                }
            }
            DeValue::Array(items) if keys.is_list(&path) => {
                let section = format!("{path}[]");
                let mut tables = items.iter_mut().filter_map(|item| match item.get_mut() {
                    DeValue::Table(inner) => Some(inner),
                    _ => None,
                });
                if let Some(path) = tables.find_map(|inner| cut(inner, &section, keys, at)) {
                    return Some(path);
                }
            }
            DeValue::Array(items) if items.iter().any(|item| item.span().contains(&at)) => {
                let good = items.iter().filter(|item| !item.span().contains(&at));
                *items = good.cloned().collect();
                return Some(path);
            }
            _ => {}
        }
        if whole.contains(&at) || key.span().contains(&at) {
            found = Some((key.clone(), path));
        }
    }
    let (key, path) = found?;
    table.remove(&key);
    Some(path)
}

fn join(section: &str, key: &str) -> String {
    match section {
        "" => key.to_owned(),
        section => format!("{section}.{key}"),
    }
}
