//! The test bed: an origin, `narrows-proxy`, and perhaps a Squid between them.

use std::process::Command;

use narrows_log::Via;
use narrows_tests::origin::Origin;
use narrows_tests::program;
use narrows_tests::proxy::Proxy;
use narrows_tests::squid::{Access, Squid};
use narrows_tests::tls::REMOTE_NAME;
use narrows_tests::traffic::Told;
use tempfile::TempDir;

/// Which way requests take from `narrows-proxy` to the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    Squid,
    SquidWithBasic,
}

/// Everything around one test.
#[derive(Debug)]
pub(crate) struct Bed {
    pub(crate) way: Way,
    pub(crate) origin: Origin,
    pub(crate) proxy: Proxy,
    /// Where the program lives: its home and working directory.
    pub(crate) home: TempDir,
    squid: Option<Squid>,
}

/// What Squid counts on top of a tunnel's octets: its own head, which is
/// `HTTP/1.1 200 Connection established`.
const OPENED: u64 = 39;
const USER: &str = "svc-narrows";
/// With characters that must be escaped in a URL, and one that Basic uses itself.
const PASSWORD: &str = "p@ss:w/rd";

/// Runs a test on its bed, unless a program is missing; then looks at what is left.
pub(crate) fn run(way: Way, programs: &[&str], test: fn(&Bed)) {
    if !program::installed(programs) || (way != Way::Direct && !Squid::available()) {
        return;
    }
    let bed = Bed::make(way);
    test(&bed);
    bed.proxy.settle();
    bed.proxy.stop();
}

impl Bed {
    fn make(way: Way) -> Self {
        let squid = match way {
            Way::Direct => None,
            Way::Squid => Some(Squid::start(None)),
            Way::SquidWithBasic => Some(Squid::start(Some((USER, PASSWORD)))),
        };
        let proxy = squid
            .as_ref()
            .map_or_else(Proxy::direct, |squid| Proxy::through(&squid.url));
        Self {
            way,
            origin: Origin::start(),
            proxy,
            home: TempDir::new().unwrap(),
            squid,
        }
    }

    /// The origin's name: one that only Squid can resolve when there is a Squid, so that nobody else
    /// can have reached it.
    pub(crate) const fn host(&self) -> &'static str {
        match self.way {
            Way::Direct => "localhost",
            Way::Squid | Way::SquidWithBasic => REMOTE_NAME,
        }
    }

    pub(crate) fn http(&self, path: &str) -> String {
        format!("http://{}:{}{path}", self.host(), self.origin.http.port())
    }

    pub(crate) fn https(&self, path: &str) -> String {
        format!("https://{}:{}{path}", self.host(), self.origin.https.port())
    }

    /// A program with an environment of its own that names nothing but the origin's authority.
    pub(crate) fn command(&self, program: &str) -> Command {
        program::command(program, self.home.path())
    }

    /// Checks both logs after tunnels to `port`, and gives the requests.
    pub(crate) fn tunnelled(&self, port: u16) -> Vec<Told> {
        let told = self.told(port);
        let authority = format!("{}:{port}", self.host());
        let access = self.access(told.len());
        for line in &access {
            assert_eq!((line.method.as_str(), &line.url), ("CONNECT", &authority));
            assert_eq!(line.result, "TCP_TUNNEL/200");
        }
        let received: u64 = told.iter().map(|told| told.done().received + OPENED).sum();
        let octets: u64 = access.iter().map(|line| line.octets).sum();
        assert!(
            self.squid.is_none() || octets == received,
            "{octets} {received}"
        );
        told
    }

    /// Checks both logs after plain HTTP requests to `port`, and gives the requests.
    pub(crate) fn forwarded(&self, port: u16) -> Vec<Told> {
        let told = self.told(port);
        let origin = format!("http://{}:{port}/", self.host());
        for access in self.access(told.len()) {
            assert_eq!(access.method, "GET");
            assert!(access.url.starts_with(&origin), "{access:?}");
        }
        told
    }

    /// Checks the methods that Squid, if there is one, let in.
    pub(crate) fn squid_let_in(&self, methods: &[&str]) {
        let mut seen: Vec<String> = self
            .access(methods.len())
            .into_iter()
            .map(|access| access.method)
            .collect();
        seen.sort();
        assert!(self.squid.is_none() || seen == methods, "{seen:?}");
    }

    /// Every request in the tunnel log: to the origin, by the expected route, ended cleanly.
    fn told(&self, port: u16) -> Vec<Told> {
        let told = self.proxy.settled();
        let target = format!("{}:{port}", self.host()).parse().unwrap();
        let via = if self.way == Way::Direct {
            Via::Direct
        } else {
            Via::Proxy
        };
        for told in &told {
            assert_eq!(told.target.as_ref(), Some(&target));
            assert_eq!(told.done().via, via);
            assert!(told.done().sent > 0 && told.done().received > 0, "{told:?}");
        }
        told
    }

    /// Squid's lines for requests that were let in, none if there is no Squid; the user is checked.
    fn access(&self, count: usize) -> Vec<Access> {
        let Some(squid) = &self.squid else {
            return Vec::new();
        };
        let mut lines = squid.access(count);
        // A request without password is how Basic starts: refused, answered, asked again.
        lines.retain(|access| !access.result.ends_with("/407"));
        assert_eq!(lines.len(), count, "{lines:?}");
        let user = if self.way == Way::SquidWithBasic {
            USER
        } else {
            "-"
        };
        assert!(lines.iter().all(|access| access.user == user), "{lines:?}");
        lines
    }
}
