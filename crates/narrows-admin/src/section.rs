//! [`Section`]: `[admin]` of a settings file, and the [`Place`] that it comes to.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;

use narrows_endpoint::Source;
use narrows_service::config::Key;
use narrows_service::problem::Problem;
use narrows_service::say::say;
use serde::Deserialize;
use toml::Spanned;

use crate::address::Address;
use crate::listen::{BindError, Listener, SocketMode};

/// `[admin]`: what the operator is shown, and where.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Section {
    /// An address, a socket or `off`, as text.
    pub listen: Option<Spanned<String>>,
    /// Whether other machines may reach the address.
    pub allow_remote: bool,
    /// Who may open the socket, in octal digits.
    pub socket_mode: Option<Spanned<String>>,
}

/// Every key of [`Section`], for people.
pub const KEYS: [Key; 3] = [
    Key::new(
        "admin.listen",
        r#""127.0.0.1:9090""#,
        "`admin.sock` in the service's runtime directory, else `off`",
        "Where metrics, health, status and the page are: an address of this machine, `unix:` and a path, or `off`.",
    ),
    Key::new(
        "admin.allow_remote",
        "true",
        "false",
        "Lets `admin.listen` be an address that other machines can reach. Whoever connects may read.",
    ),
    Key::new(
        "admin.socket_mode",
        r#""0660""#,
        r#""0600""#,
        "Who may open the socket: `0600` its owner, `0660` its group too.",
    ),
];

/// What is known beside the file.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// What a flag or a variable says, and who; it beats the file.
    pub given: Option<(&'a str, Source)>,
    /// Where clients connect.
    pub own: &'a [SocketAddr],
    /// The program, for advice.
    pub program: &'static str,
    /// What a service manager has made for this process alone: its `RUNTIME_DIRECTORY`.
    pub runtime: Option<String>,
}

/// Where an admin listener is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it is.
    pub address: Address,
    /// Who may open it, if it is a socket.
    pub mode: SocketMode,
    /// Who wants it; [`Source::BuiltIn`] for the one of a service's runtime directory.
    pub source: Source,
}

/// The name of the socket in a service's runtime directory.
const SOCKET: &str = "admin.sock";

/// What says that there is to be none.
const OFF: &str = "off";

// === impl Section ===

impl Section {
    /// The admin listener: of the flag, else of the file, else in the runtime directory; none if there is
    /// neither, or if it is `off`. `place` says where a part of the file stands.
    ///
    /// What is wrong is appended to `problems`; the listener is then not to be used.
    pub fn place(
        &self,
        wanted: Wanted<'_>,
        place: &dyn Fn(Range<usize>) -> Source,
        problems: &mut Vec<Problem>,
    ) -> Option<Place> {
        let mode = self.mode(place, problems);
        let (text, source) = match (&wanted.given, &self.listen) {
            (Some((text, source)), _) => (*text, source.clone()),
            (None, Some(text)) => (text.get_ref().as_str(), place(text.span())),
            (None, None) => {
                return Some(Place {
                    address: runtime_socket(wanted.runtime.as_deref()?)?,
                    mode,
                    source: Source::BuiltIn,
                });
            }
        };
        if text == OFF {
            return None;
        }
        match text.parse() {
            Ok(address) => {
                problems.extend(self.reaches_too_far(&address, wanted.own, &source));
                Some(Place {
                    address,
                    mode,
                    source,
                })
            }
            Err(error) => {
                let program = wanted.program;
                let problem = Problem::new(source, format!("{text:?}: {error}"));
                problems.push(problem.hint(format_args!(
                    "write 127.0.0.1:9090, unix:/run/{program}/admin.sock, or off"
                )));
                None
            }
        }
    }

    /// What must not be: an address for everybody, or one that clients have.
    fn reaches_too_far(
        &self,
        address: &Address,
        own: &[SocketAddr],
        source: &Source,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !address.is_local() && !self.allow_remote {
            let problem = format!("admin.listen: {address} can be reached by other machines");
            problems.push(Problem::new(source.clone(), problem).hint(
                "whoever connects may read it: choose 127.0.0.1, or say allow_remote = true in [admin]",
            ));
        }
        let taken = |listen: &SocketAddr| address.tcp() == Some(*listen) && listen.port() != 0;
        if own.iter().any(taken) {
            let problem = format!("admin.listen: {address} is where clients connect");
            problems.push(Problem::new(source.clone(), problem).hint("choose another port"));
        }
        problems
    }

    fn mode(
        &self,
        place: &dyn Fn(Range<usize>) -> Source,
        problems: &mut Vec<Problem>,
    ) -> SocketMode {
        let Some(mode) = &self.socket_mode else {
            return SocketMode::default();
        };
        match mode.get_ref().as_str() {
            "0600" | "600" => SocketMode::Owner,
            "0660" | "660" => SocketMode::Group,
            other => {
                let problem = format!("admin.socket_mode: {other:?} is neither 0600 nor 0660");
                let problem = Problem::new(place(mode.span()), problem);
                problems.push(problem.hint("write, for example: socket_mode = \"0660\""));
                SocketMode::default()
            }
        }
    }
}

// === impl Place ===

impl Place {
    /// Opens it, and says so on standard error. The one of a runtime directory, which nobody asked for, is
    /// done without if it cannot be had.
    ///
    /// # Errors
    ///
    /// [`BindError`] of a listener that somebody asked for.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe, as [`Listener::bind`] is.
    pub async fn open(&self) -> Result<Option<Listener>, BindError> {
        match Listener::bind(&self.address, self.mode).await {
            Ok(listener) => {
                say(format_args!(
                    "admin page and metrics on {}",
                    listener.address()
                ));
                Ok(Some(listener))
            }
            Err(error) if self.source == Source::BuiltIn => {
                say(format_args!("warning: {error}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// The socket in the runtime directory of a service; the first one if there are several.
fn runtime_socket(directories: &str) -> Option<Address> {
    let first = directories.split(':').next()?;
    let path = PathBuf::from(first).join(SOCKET);
    format!("unix:{}", path.display()).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place that a section comes to, or what is wrong.
    fn place(toml: &str, given: Option<&str>, runtime: Option<&str>) -> Result<String, String> {
        let section: Section = toml::from_str(toml).unwrap();
        let wanted = Wanted {
            given: given.map(|text| (text, Source::Argument("--admin".into()))),
            own: &["127.0.0.1:8443".parse().unwrap()],
            program: "narrows-gateway",
            runtime: runtime.map(ToOwned::to_owned),
        };
        let mut problems = Vec::new();
        let found = section.place(wanted, &|_| Source::BuiltIn, &mut problems);
        if let Some(problem) = problems.first() {
            return Err(problem.message.clone());
        }
        Ok(found.map_or_else(|| "none".to_owned(), |found| found.address.to_string()))
    }

    #[test]
    fn flags_beat_the_file_and_the_file_beats_the_service_manager() {
        let (file, run) = ("listen = \"127.0.0.1:1\"", Some("/run/narrows-gateway:/x"));
        for (toml, given, runtime, want) in [
            ("", None, None, "none"),
            ("", None, run, "unix:/run/narrows-gateway/admin.sock"),
            ("listen = \"off\"", None, run, "none"),
            (file, None, run, "127.0.0.1:1"),
            (file, Some("/run/a"), run, "unix:/run/a"),
            (file, Some("off"), run, "none"),
        ] {
            assert_eq!(place(toml, given, runtime).as_deref(), Ok(want), "{toml}");
        }
    }

    #[test]
    fn nobody_is_shown_anything_by_mistake() {
        let everybody = "listen = \"0.0.0.0:9090\"";
        let allowed = format!("{everybody}\nallow_remote = true");
        assert_eq!(place(&allowed, None, None).as_deref(), Ok("0.0.0.0:9090"));
        for (toml, want) in [
            (everybody, "can be reached by other machines"),
            ("listen = \"127.0.0.1:8443\"", "is where clients connect"),
            ("listen = \"localhost:1\"", "neither an address with port"),
            (
                "socket_mode = \"0666\"",
                "\"0666\" is neither 0600 nor 0660",
            ),
        ] {
            let problem = place(toml, None, None).unwrap_err();
            assert!(problem.contains(want), "{problem}");
        }
    }
}
