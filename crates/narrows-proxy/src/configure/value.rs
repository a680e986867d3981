//! Values of keys, from and to the text of a command line.

use narrows_service::config::Key;
use toml_edit::Value;

use super::edit;

/// Reads a value as a key takes it: text as it stands, `a,b` or several words as a list, numbers and
/// `true` as TOML. What is none of these stays text, and is judged with the rest of the file.
pub(super) fn read(key: &Key, texts: &[String]) -> Value {
    let whole = texts.join(",");
    let as_toml = || whole.trim().parse::<Value>().ok();
    let is_list = whole.trim_start().starts_with('[');
    match key.example.parse::<Value>() {
        Ok(Value::Array(_)) if !is_list => {
            let items = whole.split(',').map(str::trim);
            edit::list(items.filter(|item| !item.is_empty()))
        }
        Ok(Value::String(_)) if texts.len() > 1 => edit::list(texts.iter().map(|text| text.trim())),
        Ok(Value::String(_)) if !is_list => Value::from(whole),
        _ => as_toml().unwrap_or_else(|| Value::from(whole.clone())),
    }
}

/// A value for people: lists as azcmagent prints them, nothing that is secret.
pub(super) fn shown(key: &Key, value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| shown(key, item)).collect();
            format!("[{}]", items.join(","))
        }
        Value::String(text) => without_secrets(key, text.value()),
        Value::InlineTable(table) => {
            let pairs = table.iter().map(|(name, value)| match is_secret(name) {
                true => format!("{name}=***"),
                false => format!("{name}={}", shown(key, value)),
            });
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
        }
        other => other.to_string().trim().to_owned(),
    }
}

/// The default of a key: its value, or the words that the reference has for it.
pub(super) fn default(key: &Key) -> String {
    match key.default.parse::<Value>() {
        Ok(value) => shown(key, &value),
        Err(_) => key.default.replace('`', ""),
    }
}

/// Text without the user and password of a URL. They end at the last `@`, whatever is in them.
fn without_secrets(key: &Key, text: &str) -> String {
    if is_secret(key.split().1) {
        return "***".to_owned();
    }
    let start = text.find("://").map_or(0, |at| at + 3);
    match text.rfind('@').filter(|at| *at >= start) {
        Some(at) => format!("{}***{}", &text[..start], &text[at..]),
        None => text.to_owned(),
    }
}

/// Names of values that are secret themselves, rather than the name of a file that holds one.
fn is_secret(name: &str) -> bool {
    let ends = |end: &str| name == end || name.ends_with(&format!("_{end}"));
    ["password", "secret", "token"].into_iter().any(ends)
}
