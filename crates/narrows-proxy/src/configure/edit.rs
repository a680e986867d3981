//! [`Edit`]: a configuration file that is changed in place, with its comments and its order.

use std::path::Path;

use narrows_service::config::Key;
use narrows_service::files;
use narrows_service::problem::{Problem, Problems};
use toml_edit::{Array, DocumentMut, Item, Table, Value};

use super::{ConfigureError, value};
use narrows_endpoint::Source;

/// A configuration file that is changed in place.
#[derive(Debug)]
pub(super) struct Edit {
    document: DocumentMut,
    /// What the file held when it was read; none if there was no file.
    read: Option<String>,
}

impl Edit {
    /// Reads the file, or begins an empty one.
    pub(super) fn read_or_new(path: &Path) -> Result<Self, ConfigureError> {
        let read = match files::read_text(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let path = path.to_owned();
                return Err(ConfigureError::File { path, error });
            }
        };
        let text = read.as_deref().unwrap_or_default();
        let document = text.parse().map_err(|error: toml_edit::TomlError| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.unwrap_or_default().matches('\n').count() + 1;
            let source = Source::File {
                path: path.to_string_lossy().into(),
                line: u32::try_from(line).unwrap_or(u32::MAX),
            };
            let message = format!("not TOML: {}", error.message());
            ConfigureError::from(Problems::from(Problem::new(source, message)))
        })?;
        Ok(Self { document, read })
    }

    /// The file as it was read, if there was one.
    pub(super) fn read(&self) -> Option<&str> {
        self.read.as_deref()
    }

    /// The file as it would be written.
    pub(super) fn text(&self) -> String {
        self.document.to_string()
    }

    /// The value of a key for people, without secrets: the file's, else its default.
    pub(super) fn shown(&self, key: &Key) -> String {
        match self.value(key) {
            Some(found) => value::shown(key, &found),
            None if key.default == "none" => String::new(),
            None => value::default(key),
        }
    }

    /// What stands there; of a key of several sections (`log.sinks[].to`), what stands in each.
    fn value(&self, key: &Key) -> Option<Value> {
        let (path, field) = key.path.split_once("[].").unwrap_or((key.path, ""));
        let (section, name) = path.split_once('.').unwrap_or(("", path));
        let item = match section {
            "" => self.document.get(name)?,
            section => self.document.get(section)?.as_table_like()?.get(name)?,
        };
        let value = item.clone().into_value().ok()?;
        if field.is_empty() {
            return Some(value);
        }
        let sections = value.as_array()?.iter();
        let values = sections.filter_map(|section| section.as_inline_table()?.get(field));
        Some(Value::Array(values.cloned().collect()))
    }

    /// Writes a key. A comment behind the old value stays.
    pub(super) fn set(&mut self, key: &Key, texts: &[String]) {
        let (section, name) = key.split();
        let mut new = value::read(key, texts);
        let table = match section {
            "" => self.document.as_table_mut() as &mut dyn toml_edit::TableLike,
            section => {
                let item = self
                    .document
                    .entry(section)
                    .or_insert(Item::Table(Table::new()));
                if !item.is_table_like() {
                    // What stands there is no section; the whole is judged before it is written.
                    *item = Item::Table(Table::new());
                }
                match item.as_table_like_mut() {
                    Some(table) => table,
                    None => return,
                }
            }
        };
        match table.get_mut(name) {
            Some(Item::Value(old)) => {
                *new.decor_mut() = old.decor().clone();
                *old = new;
            }
            _ => {
                table.insert(name, Item::Value(new));
            }
        }
    }

    /// Takes a key out; its section stays, with the comments there.
    pub(super) fn unset(&mut self, key: &Key) {
        let (section, name) = key.split();
        let table = match section {
            "" => Some(self.document.as_table_mut() as &mut dyn toml_edit::TableLike),
            section => self
                .document
                .get_mut(section)
                .and_then(Item::as_table_like_mut),
        };
        if let Some(table) = table {
            table.remove(name);
        }
    }
}

/// A list of texts.
pub(super) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> Value {
    Value::Array(texts.into_iter().collect::<Array>())
}
