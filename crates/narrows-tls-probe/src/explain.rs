//! What each verdict means, what would disprove it, and what to ask for.

use narrows_endpoint::Target;

use crate::path::Path;
use crate::verdict_id::VerdictId;
use crate::words::{HopKind, Party};

mod certificate;
mod connection;
mod http;
mod proxy;
mod tls;

/// The fixed texts of one verdict.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Explanation {
    /// Who most likely brings it about, if nothing more is known.
    pub(crate) party: Party,
    /// What it means, in a sentence or two.
    pub(crate) meaning: &'static str,
    /// What would disprove it.
    pub(crate) disproof: &'static str,
    /// What to ask for, and whom. `{target}`, `{host}`, `{port}` and `{hop}` are filled in.
    pub(crate) ask: &'static str,
}

impl VerdictId {
    /// Who most likely brings it about, if nothing more is known than the pattern.
    pub fn party(self) -> Party {
        explanation(self).party
    }

    /// What it means, in a sentence or two for people.
    pub fn meaning(self) -> &'static str {
        explanation(self).meaning
    }

    /// What would show that it is something else.
    pub fn disproof(self) -> &'static str {
        explanation(self).disproof
    }

    /// What to ask for, and whom: the exact rule, for this target over this path.
    ///
    /// # Examples
    ///
    /// ```
    /// use narrows_tls_probe::{Path, VerdictId};
    ///
    /// let ask = VerdictId::TlsSniFiltered.ask(&"a.example:443".parse()?, &Path::direct());
    /// assert!(ask.contains("a.example") && ask.contains("TCP 443"), "{ask}");
    /// # Ok::<(), narrows_endpoint::TargetError>(())
    /// ```
    pub fn ask(self, target: &Target, path: &Path) -> String {
        let hop = path.hops().last().map_or_else(
            || "the proxy".to_owned(),
            |hop| match hop.kind() {
                HopKind::Gateway => format!("the gateway {}", hop.address()),
                _ => format!("the proxy {}", hop.address()),
            },
        );
        explanation(self)
            .ask
            .replace("{target}", &target.to_string())
            .replace("{host}", &target.host().to_string())
            .replace("{port}", &target.port().to_string())
            .replace("{hop}", &hop)
    }
}

fn explanation(id: VerdictId) -> Explanation {
    match id.family() {
        "dns" | "tcp" => connection::explanation(id),
        "proxy" => proxy::explanation(id),
        "tls" => tls::explanation(id),
        "cert" | "alpn" => certificate::explanation(id),
        "http" => http::explanation(id),
        _ => NOTHING,
    }
}

/// For a target that is reachable: nothing has to change.
const NOTHING: Explanation = Explanation {
    party: Party::Nobody,
    meaning: "Name, TCP, TLS, certificate and HTTP were all tried and are good; whatever HTTP status came, \
              401, 403 and 404 included, came from the service itself.",
    disproof: "The program that fails uses another path, another name or another trust store than this \
               probe did.",
    ask: "Nothing: {target} is open.",
};
