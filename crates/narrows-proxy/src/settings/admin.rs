//! What the operator is shown, and where.

use std::net::SocketAddr;
use std::path::PathBuf;

use narrows_admin::{Address, SocketMode};
use narrows_endpoint::Source;
use narrows_service::problem::Problem;

use super::Merge;

/// An admin listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
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

impl Merge<'_> {
    /// The admin listener: of the flag, else of the file, else in the runtime directory that a service
    /// manager made for this process alone.
    pub(super) fn admin(
        &mut self,
        own: &[SocketAddr],
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Option<Admin> {
        let mode = self.socket_mode();
        let given = self.options.admin.as_ref().map(|text| text.trim());
        let given = given.filter(|text| !text.is_empty());
        let in_file = self
            .loaded
            .and_then(|loaded| loaded.file.admin.listen.as_ref());
        let (text, source) = match (given, in_file) {
            (Some(text), _) => (text.to_owned(), self.origins.of("admin")),
            (None, Some(text)) => (text.get_ref().clone(), self.place(text)),
            (None, None) => {
                let address = runtime_socket(&lookup("RUNTIME_DIRECTORY")?)?;
                return Some(Admin {
                    address,
                    mode,
                    source: Source::BuiltIn,
                });
            }
        };
        if text == OFF {
            return None;
        }
        let hint = "write 127.0.0.1:9090, unix:/run/narrows-proxy/admin.sock, or off";
        let address: Address = self.read(&text, source.clone(), hint)?;
        self.reaches_too_far(&address, own, &source);
        Some(Admin {
            address,
            mode,
            source,
        })
    }

    /// Notes what must not be: an address for everybody, or one that clients have.
    fn reaches_too_far(&mut self, address: &Address, own: &[SocketAddr], source: &Source) {
        let remote = self
            .loaded
            .is_some_and(|loaded| loaded.file.admin.allow_remote);
        if !address.is_local() && !remote {
            let problem = format!("admin.listen: {address} can be reached by other machines");
            self.problems.push(Problem::new(source.clone(), problem).hint(
                "whoever connects may read it: choose 127.0.0.1, or say allow_remote = true in [admin]",
            ));
        }
        let taken = |listen: &SocketAddr| address.tcp() == Some(*listen) && listen.port() != 0;
        if own.iter().any(taken) {
            let problem = format!("admin.listen: {address} is where clients connect");
            self.problems
                .push(Problem::new(source.clone(), problem).hint("choose another port"));
        }
    }

    fn socket_mode(&mut self) -> SocketMode {
        let Some((loaded, mode)) = self
            .loaded
            .and_then(|loaded| Some((loaded, loaded.file.admin.socket_mode.as_ref()?)))
        else {
            return SocketMode::default();
        };
        match mode.get_ref().as_str() {
            "0600" | "600" => SocketMode::Owner,
            "0660" | "660" => SocketMode::Group,
            other => {
                let problem = format!("admin.socket_mode: {other:?} is neither 0600 nor 0660");
                let problem = Problem::new(loaded.source(mode), problem);
                self.problems
                    .push(problem.hint("write, for example: socket_mode = \"0660\""));
                SocketMode::default()
            }
        }
    }

    /// Whether what the rules deny is only reported.
    pub(super) fn report_only(&self) -> bool {
        let in_file = self.loaded.and_then(|loaded| loaded.file.rules.report_only);
        self.options.report_only || in_file.unwrap_or(false)
    }
}

/// The socket in the runtime directory of a service; the first one if there are several.
fn runtime_socket(directories: &str) -> Option<Address> {
    let first = directories.split(':').next()?;
    let path = PathBuf::from(first).join(SOCKET);
    format!("unix:{}", path.display()).parse().ok()
}
