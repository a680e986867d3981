//! `config`: looks at the configuration file and changes it, in the manner of `azcmagent config`.
//!
//! A change is judged as a whole before it is written, and written as a whole: there is never a broken file.

mod edit;
mod value;

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Subcommand;
use narrows_endpoint::RuleError;
use narrows_service::config::Key;
use narrows_service::files::{self, Readers};
use narrows_service::problem::Problems;

use crate::config::KEYS;
use crate::exit::Exit;
use crate::posture;
use crate::reload::{self, Sources, Word};
use crate::rules::rule_set;
use crate::settings::Settings;
use crate::ways::{self, WaysError};
use edit::Edit;

/// What to do with the configuration file.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say everything that is wrong, or what the configuration comes to
    Check,
    /// Print the value of a key of the file, or its default
    Get {
        /// Section and name, as in proxy.url
        key: String,
    },
    /// Print every key with its value in the file, or its default
    List,
    /// Print where the file is, or would be
    Path,
    /// Write a key, and say what a running proxy makes of it
    ///
    /// Comments stay. Nothing is written if the configuration would be wrong with it.
    Set {
        /// Section and name, as in proxy.url
        key: String,
        /// A value, or several for a list; a,b,c is a list too
        #[arg(required = true, allow_negative_numbers = true)]
        value: Vec<String>,
    },
    /// Take a key out, so that its default holds
    Unset {
        /// Section and name, as in proxy.url
        key: String,
    },
}

/// Why a command came to nothing. The message has its cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigureError {
    /// Settings that cannot be used as they are configured.
    #[error(transparent)]
    Ways(#[from] WaysError),
    /// There is to be no file.
    #[error("there is no configuration file: its name is empty")]
    NoFile,
    /// What the file says is wrong, or would be.
    #[error("{0}")]
    Problems(#[from] Problems),
    /// The file cannot be read or written.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The rules make no rule set.
    #[error(transparent)]
    Rules(#[from] RuleError),
    /// A key of a section that may stand several times.
    #[error("{0} stands in each section of that name, and there may be several")]
    Several(&'static str),
    /// There is no such key.
    #[error("unknown key {key:?}{}", .meant.as_ref().map(|meant| format!(" ({meant})")).unwrap_or_default())]
    UnknownKey {
        /// What was asked for.
        key: String,
        /// What was meant, as a question.
        meant: Option<String>,
    },
}

/// What a command has to say.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// How the process ends.
    pub exit: Exit,
    /// For standard output.
    pub text: String,
    /// For people.
    pub warnings: Vec<String>,
}

/// How long a running proxy has to read a changed file: it looks once a second, twice before it believes.
const PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

// === impl ConfigureError ===

impl ConfigureError {
    /// What to do about it, if that can be known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Ways(error) => error.hint(),
            Self::Several(_) => {
                Some("edit the file; narrows-proxy config check says what is wrong with it")
            }
            Self::NoFile => Some("name one with --config"),
            Self::UnknownKey { .. } => Some("narrows-proxy config list shows every key"),
            Self::File { error, .. } => match error.kind() {
                io::ErrorKind::NotFound => {
                    Some("make its directory first, or name another file with --config")
                }
                io::ErrorKind::PermissionDenied => {
                    Some("do it as the user to whom the file belongs")
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// What is configured wrong is wrong usage; a file that cannot be written is a failure.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::File { .. } => Exit::Failure,
            _ => Exit::Usage,
        }
    }
}

/// Does what a command asks for. `set` and `unset` wait up to five seconds for a running proxy.
///
/// # Errors
///
/// [`ConfigureError`]; nothing is written then.
pub fn obey(command: &ConfigCommand, sources: &Sources) -> Result<Said, ConfigureError> {
    match command {
        ConfigCommand::Check => check(sources),
        ConfigCommand::Get { key } => {
            let key = find(key)?;
            let edit = Edit::read_or_new(&file(sources)?)?;
            Ok(Said::text(format!("{}\n", edit.shown(key))))
        }
        ConfigCommand::List => {
            let edit = Edit::read_or_new(&file(sources)?)?;
            let mut text = "Local Configuration Settings\n".to_owned();
            for key in KEYS.0 {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "  {:<54}: {}", key.path, edit.shown(key));
            }
            Ok(Said::text(text))
        }
        ConfigCommand::Path => Ok(Said::text(format!("{}\n", file(sources)?.display()))),
        ConfigCommand::Set { key, value } => {
            let key = find(key)?;
            change(sources, key, Some(value))
        }
        ConfigCommand::Unset { key } => {
            let key = find(key)?;
            change(sources, key, None)
        }
    }
}

fn check(sources: &Sources) -> Result<Said, ConfigureError> {
    let settings = sources.settings()?;
    ways::ways(&settings, None)?;
    let rules = rule_set(&settings)?;
    let file = match sources.options.file() {
        Some(path) => path.display().to_string(),
        None => "none".to_owned(),
    };
    let report = posture::report(&settings, &rules);
    Ok(Said {
        exit: Exit::Clean,
        text: format!("{:<40}: {file}\n{report}", "Configuration file"),
        warnings: settings.warnings,
    })
}

/// Writes a key, or takes it out, and says what became of it.
fn change(
    sources: &Sources,
    key: &Key,
    value: Option<&Vec<String>>,
) -> Result<Said, ConfigureError> {
    if key.path.contains("[]") {
        return Err(ConfigureError::Several(key.path));
    }
    let path = file(sources)?;
    let at = |error| ConfigureError::File {
        path: path.clone(),
        error,
    };
    let _lock = files::lock(&path).map_err(at)?;
    let mut edit = Edit::read_or_new(&path)?;
    let before = edit.read().map(str::to_owned);
    match value {
        Some(value) => edit.set(key, value),
        None => edit.unset(key),
    }
    let text = edit.text();
    let done = match value {
        Some(_) => format!(
            "Config property {} set to value {}",
            key.path,
            edit.shown(key)
        ),
        None => format!(
            "Config property {} cleared; it is {}",
            key.path,
            edit.shown(key)
        ),
    };
    let settings = judge(sources, &path, &text)?;
    match before {
        Some(before) if before == text => {}
        Some(before) => files::rewrite(&path, text.as_bytes(), before.as_bytes()).map_err(at)?,
        None if text.is_empty() => {}
        // It may come to hold a password.
        None => files::create(&path, text.as_bytes(), Readers::Owner).map_err(at)?,
    }
    let (exit, told) = applied(sources, &path, key, &text);
    Ok(Said {
        exit,
        text: format!("{done}\n{told}\n"),
        warnings: settings.warnings,
    })
}

/// Judges a text as if it were the file already.
fn judge(sources: &Sources, path: &Path, text: &str) -> Result<Settings, ConfigureError> {
    let settings = sources.settings_with(path, text)?;
    ways::ways(&settings, None)?;
    rule_set(&settings)?;
    Ok(settings)
}

/// What a running proxy makes of the file that was written.
fn applied(sources: &Sources, path: &Path, key: &Key, text: &str) -> (Exit, String) {
    let digest = posture::sha256(text.as_bytes());
    let until = Instant::now() + PATIENCE;
    loop {
        let Some(word) = reload::find(path, &*sources.lookup) else {
            let told = "No running proxy is known to use this file; it holds from the next start";
            return (Exit::Clean, told.to_owned());
        };
        if word.read.as_ref() == Some(&digest) {
            return verdict(&word, key);
        }
        if Instant::now() > until {
            let process = word.process;
            let told = format!(
                "Process {process} has not read it yet; its log will say what it makes of it"
            );
            return (Exit::Failure, told);
        }
        sleep(POLL);
    }
}

fn verdict(word: &Word, key: &Key) -> (Exit, String) {
    let process = word.process;
    if let Some(refused) = &word.refused {
        let why = refused.why.join("\n");
        return (
            Exit::Failure,
            format!("Process {process} did not take it, and goes on as before:\n{why}"),
        );
    }
    let (section, _) = key.split();
    let is_fixed = |waiting: &String| waiting == key.path || waiting == section;
    let told = match word.waiting.iter().any(is_fixed) {
        true => format!("Process {process} needs a restart for it"),
        false => format!(
            "Applied by process {process}, generation {}",
            word.generation
        ),
    };
    (Exit::Clean, told)
}

fn file(sources: &Sources) -> Result<PathBuf, ConfigureError> {
    let file = sources.options.file_or_default();
    file.ok_or(ConfigureError::NoFile)
}

fn find(path: &str) -> Result<&'static Key, ConfigureError> {
    let unknown = || {
        let likeness = |key: &&Key| strsim::jaro_winkler(key.path, path);
        let near = KEYS.0.iter().map(|key| (likeness(&key), key.path));
        let near = near.filter(|(likeness, _)| *likeness > TYPO);
        let near = near.max_by(|one, other| one.0.total_cmp(&other.0));
        ConfigureError::UnknownKey {
            key: path.to_owned(),
            meant: near.map(|(_, path)| format!("did you mean {path:?}?")),
        }
    };
    KEYS.find(path).ok_or_else(unknown)
}

/// How much a name may look like a key (Jaro-Winkler) before it is taken for a typo of it.
const TYPO: f64 = 0.85;

impl Said {
    const fn text(text: String) -> Self {
        Self {
            exit: Exit::Clean,
            text,
            warnings: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
