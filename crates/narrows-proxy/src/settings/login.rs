//! Secrets in files of their own, and the logins made of them.

use std::io;

use narrows_connect::Credentials;
use toml::Spanned;

use crate::config::Loaded;
use narrows_service::files;
use narrows_service::problem::Problem;

/// A user, and the file with the password, as a section of the file names them.
pub(super) struct Login<'a> {
    /// `proxy` or `gateway`.
    section: &'static str,
    pub(super) user: &'a Spanned<String>,
    file: &'a Spanned<String>,
}

impl<'a> Login<'a> {
    /// The login that a section names, if it names one.
    pub(super) fn named(
        loaded: &Loaded,
        section: &'static str,
        user: Option<&'a Spanned<String>>,
        file: Option<&'a Spanned<String>>,
    ) -> Result<Option<Self>, Problem> {
        match (user, file) {
            (None, None) => Ok(None),
            (Some(user), Some(file)) => Ok(Some(Self {
                section,
                user,
                file,
            })),
            (Some(one), None) | (None, Some(one)) => {
                let message = format!(
                    "{section}.user and {section}.password_file are one login, and one of them is missing"
                );
                Err(Problem::new(loaded.source(one), message).hint("write both, or neither"))
            }
        }
    }

    /// Reads the password.
    pub(super) fn read(&self, loaded: &Loaded) -> Result<Credentials, Problem> {
        let (section, path) = (self.section, self.file.get_ref());
        let password = secret(path).map_err(|error| {
            let message = format!("{section}.password_file: {path}: {error}");
            Problem::new(loaded.source(self.file), message)
        })?;
        Credentials::new(self.user.get_ref().as_str(), password).map_err(|error| {
            let message = format!("{section}.user and {section}.password_file: {error}");
            Problem::new(loaded.source(self.user), message)
        })
    }
}

/// What a file holds, without one line end after it.
pub(super) fn secret(path: &str) -> io::Result<String> {
    let mut text = files::read_text(path.as_ref())?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    text.truncate(line.len());
    Ok(text)
}
