//! [`Seen`]: the files that a configuration is made of, as they were read.

use std::path::{Path, PathBuf};

use narrows_service::files;
use narrows_service::watched::Stamp;
use toml::{Table, Value};

use crate::cli::Options;
use crate::posture;

/// The files that a configuration is made of, as they were seen at one time.
#[derive(Debug)]
pub(super) struct Seen {
    /// The configuration file's own digest; `None` if it cannot be read, or there is none.
    pub(super) configuration: Option<String>,
    /// Of what all files hold. Kept in memory only: passwords are in it.
    pub(super) digest: String,
    pub(super) stamp: Stamp,
    files: Vec<PathBuf>,
    path: Option<PathBuf>,
}

impl Seen {
    /// Looks at the configuration file and at all that it names, whether or not it is good.
    pub(super) fn look(options: &Options) -> Self {
        let path = options.file_or_default();
        let text = path.as_deref().map(files::read);
        let text = text.and_then(Result::ok);
        let named = text.as_deref().map(named).unwrap_or_default();
        let by_flag = [&options.gateway_ca_file, &options.gateway_token_file];
        let by_flag = by_flag.into_iter().flatten().map(PathBuf::from);
        let mut paths: Vec<_> = path.iter().cloned().chain(named).chain(by_flag).collect();
        paths.retain(|file| !file.as_os_str().is_empty());
        // Before they are read: what changes meanwhile is seen the next time.
        let stamp = Stamp::of(&paths);
        let mut all = Vec::new();
        for file in &paths {
            match files::read(file) {
                Ok(bytes) => all.extend(posture::sha256(&bytes).bytes()),
                Err(error) => all.extend(error.kind().to_string().bytes()),
            }
            all.push(b'\n');
        }
        Self {
            configuration: text.map(|text| posture::sha256(&text)),
            digest: posture::sha256(&all),
            stamp,
            files: paths,
            path,
        }
    }

    /// What the same files look like now.
    pub(super) fn look_again(&self) -> Stamp {
        Stamp::of(&self.files)
    }

    /// The configuration file, if it was there and is not any more. Defaults in its place would be another
    /// configuration, and nobody wrote that.
    pub(super) fn gone<'a>(&self, now: &'a Self) -> Option<&'a Path> {
        let gone = self.configuration.is_some() && now.configuration.is_none();
        now.path.as_deref().filter(|path| gone && !path.exists())
    }
}

/// The files that a configuration names: what its keys in `_file` hold. A text that is not TOML names none.
fn named(text: &[u8]) -> Vec<PathBuf> {
    let text = String::from_utf8_lossy(text);
    let mut files = Vec::new();
    if let Ok(table) = text.parse::<Table>() {
        collect(&table, &mut files);
    }
    files
}

fn collect(table: &Table, files: &mut Vec<PathBuf>) {
    for (key, value) in table {
        match value {
            Value::String(path) if key.ends_with("_file") => files.push(path.into()),
            Value::Table(inner) => collect(inner, files),
            Value::Array(items) => {
                for item in items {
                    match item {
                        Value::Table(inner) => collect(inner, files),
                        Value::String(path) if key.ends_with("_files") => files.push(path.into()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_wherever_they_are_named() {
        let text = "proxy.password_file = \"a\"\n[gateway]\nca_file = \"b\"\nurl = \"c\"\n[log]\nfile = \"d\"\n[[x]]\ny.token_file = \"e\"\n";
        let mut found = named(text.as_bytes());
        found.sort();
        assert_eq!(found, ["a", "b", "e"].map(PathBuf::from));
        assert!(named(b"proxy.password_file = ").is_empty());
    }

    /// Whoever adds a key for a file ends it so, and it is watched.
    #[test]
    fn every_key_of_a_file_is_watched() {
        for key in crate::config::KEYS.0 {
            let names_a_file = key.example.starts_with("\"/") && key.path != "log.file";
            assert_eq!(names_a_file, key.path.ends_with("_file"), "{}", key.path);
        }
    }
}
