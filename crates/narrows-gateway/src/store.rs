//! [`Store`]: the definitions in a directory, one JSON file for each gateway.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use narrows_service::files::{self, Readers};

use crate::definition::{Definition, GatewayName};

/// The definitions in a directory: `NAME.json` for each gateway. Other files are not looked at.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

/// A definition and the text that it was read from.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What it says.
    pub definition: Definition,
    /// The file.
    pub path: PathBuf,
    /// The file's text, to say on which line something stands.
    pub text: String,
}

/// Why definitions cannot be read or written. The message says where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is a gateway of that name.
    #[error("{path}: there is a gateway named {name} already")]
    Exists {
        /// Its file.
        path: Box<str>,
        /// Its name.
        name: GatewayName,
    },
    /// The operating system says no.
    #[error("{path}: {error}")]
    Io {
        /// The file or directory.
        path: Box<str>,
        /// What the system said.
        error: io::Error,
    },
    /// The file is not a definition.
    #[error("{path}:{line}: {message}")]
    Json {
        /// The file.
        path: Box<str>,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: Box<str>,
    },
    /// The file's name and the name in it differ.
    #[error("{path}: the file is named otherwise than the gateway in it, {name}")]
    Misnamed {
        /// The file.
        path: Box<str>,
        /// The name inside.
        name: GatewayName,
    },
    /// There is no gateway of that name.
    #[error("{path}: there is no gateway named {name}")]
    Missing {
        /// Where its file would be.
        path: Box<str>,
        /// The name.
        name: GatewayName,
    },
}

// === impl Store ===

impl Store {
    /// The definitions in `directory`, which need not exist before one is created.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Every definition, by name.
    ///
    /// # Errors
    ///
    /// [`StoreError`] for the first file that is not good. A missing directory has no definitions.
    pub fn list(&self) -> Result<Vec<Stored>, StoreError> {
        let files = match fs::read_dir(&self.directory) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error(&self.directory, error)),
        };
        let mut paths = Vec::new();
        for file in files {
            let path = file
                .map_err(|error| io_error(&self.directory, error))?
                .path();
            if is_definition(&path) {
                paths.push(path);
            }
        }
        paths.sort();
        paths.iter().map(|path| read(path)).collect()
    }

    /// One definition.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`], or what is wrong with its file.
    pub fn show(&self, name: &GatewayName) -> Result<Stored, StoreError> {
        let path = self.path(name);
        read(&path).map_err(|error| missing(error, &path, name))
    }

    /// Stores a new definition.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`] if the name is taken, or the operating system's.
    pub fn create(&self, definition: &Definition) -> Result<(), StoreError> {
        let path = self.path(&definition.name);
        fs::create_dir_all(&self.directory).map_err(|error| io_error(&self.directory, error))?;
        let json = definition.to_json();
        match files::create(&path, json.as_bytes(), Readers::All) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(StoreError::Exists {
                path: text(&path),
                name: definition.name.clone(),
            }),
            Err(error) => Err(io_error(&path, error)),
        }
    }

    /// Removes a definition and returns it, if it can still be read.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`], or the operating system's. A broken definition is removed too.
    pub fn delete(&self, name: &GatewayName) -> Result<Option<Stored>, StoreError> {
        let path = self.path(name);
        let stored = read(&path).ok();
        fs::remove_file(&path).map_err(|error| missing(io_error(&path, error), &path, name))?;
        Ok(stored)
    }

    fn path(&self, name: &GatewayName) -> PathBuf {
        self.directory.join(format!("{name}.json"))
    }
}

/// `NAME.json`; hidden files are half-written ones.
fn is_definition(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden
        && path
            .extension()
            .is_some_and(|extension| extension == "json")
}

fn read(path: &Path) -> Result<Stored, StoreError> {
    let text = files::read_text(path).map_err(|error| io_error(path, error))?;
    let definition: Definition = serde_json::from_str(&text).map_err(|error| StoreError::Json {
        path: self::text(path),
        line: error.line(),
        message: message(&error).into(),
    })?;
    if path
        .file_stem()
        .is_none_or(|stem| stem != definition.name.as_str())
    {
        return Err(StoreError::Misnamed {
            path: self::text(path),
            name: definition.name,
        });
    }
    Ok(Stored {
        definition,
        path: path.to_owned(),
        text,
    })
}

/// serde_json's message without its own "at line 4 column 5".
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

fn missing(error: StoreError, path: &Path, name: &GatewayName) -> StoreError {
    match error {
        StoreError::Io { error, .. } if error.kind() == io::ErrorKind::NotFound => {
            StoreError::Missing {
                path: text(path),
                name: name.clone(),
            }
        }
        other => other,
    }
}

fn io_error(path: &Path, error: io::Error) -> StoreError {
    StoreError::Io {
        path: text(path),
        error,
    }
}

fn text(path: &Path) -> Box<str> {
    path.to_string_lossy().into()
}

#[cfg(test)]
mod tests {
    use narrows_endpoint::Host;

    use super::*;
    use crate::definition::Wanted;

    fn definition(name: &str) -> Definition {
        let domain: Host = "example.net".parse().unwrap();
        Definition::new(Wanted {
            name: name.parse().unwrap(),
            features: vec!["*".parse().unwrap()],
            location: "local".into(),
            resource_group: "narrows".into(),
            domain: domain.name().unwrap().clone(),
        })
        .unwrap()
    }

    #[test]
    fn creates_lists_shows_and_deletes() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().join("gateways"));
        assert!(store.list().unwrap().is_empty());
        let (west, east) = (definition("west"), definition("east"));
        store.create(&west).unwrap();
        store.create(&east).unwrap();
        assert!(matches!(
            store.create(&west),
            Err(StoreError::Exists { .. })
        ));
        let listed = store.list().unwrap();
        let names: Vec<_> = listed
            .iter()
            .map(|one| one.definition.name.as_str())
            .collect();
        assert_eq!(names, ["east", "west"]);
        assert_eq!(store.show(&west.name).unwrap().definition, west);
        assert_eq!(store.delete(&west.name).unwrap().unwrap().definition, west);
        assert!(matches!(
            store.show(&west.name),
            Err(StoreError::Missing { .. })
        ));
        assert!(matches!(
            store.delete(&west.name),
            Err(StoreError::Missing { .. })
        ));
    }

    #[test]
    fn a_bad_file_is_named_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let edge = definition("edge");
        let path = dir.path().join("edge.json");
        fs::write(&path, edge.to_json().replace("\"*\"", "\"**\"")).unwrap();
        let error = store.list().unwrap_err().to_string();
        assert!(error.contains("edge.json:3: "), "{error}");
        assert!(!error.contains("column"), "{error}");
        assert!(
            store.delete(&edge.name).unwrap().is_none(),
            "a broken one can be removed"
        );
    }

    #[test]
    fn a_file_has_the_name_of_its_gateway() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("other.json"), definition("edge").to_json()).unwrap();
        let error = Store::new(dir.path()).list().unwrap_err();
        assert!(matches!(error, StoreError::Misnamed { .. }), "{error}");
    }
}
