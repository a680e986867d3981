//! The test bed: an origin, `narrows-proxy`, and perhaps a Squid or a `narrows-gateway` between them.

use std::process::Command;

use narrows_log::Via;
use narrows_tests::gateway::Gateway;
use narrows_tests::origin::Origin;
use narrows_tests::program;
use narrows_tests::proxy::{Proxy, Setup};
use narrows_tests::squid::{Access, Squid};
use narrows_tests::tls::REMOTE_NAME;
use narrows_tests::traffic::{Done, Told};
use rustix::process::Signal;
use tempfile::TempDir;

/// Which way requests take from `narrows-proxy` to the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    Squid,
    SquidWithBasic,
    /// With HTTP/1.1 between proxy and gateway.
    GatewayH1,
    /// With HTTP/2.
    GatewayH2,
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
    gateway: Option<Gateway>,
}

/// A proxy that goes by this gateway, and by nothing else.
fn through(gateway: &Gateway, way: Way) -> Setup {
    let protocol = if way == Way::GatewayH1 { "h1" } else { "h2" };
    Setup::new().config(format!(
        "{RULES}gateway = [\"127.0.0.1\"]\n[gateway]\nurl = {:?}\nca_file = {:?}\ntoken_file = {:?}\n\
         protocol = {protocol:?}\nfallback = \"none\"\n",
        gateway.url(),
        gateway.ca_file(),
        gateway.token_file()
    ))
}

/// Nobody but the origin is asked for anything: a browser asks its maker for much, whatever it is told.
const RULES: &str =
    "[rules]\ndefault = \"deny\"\nnever_gateway = [\"localhost\", \"origin.test\"]\n";
/// What Squid counts on top of a tunnel's octets: its own head, which is
/// `HTTP/1.1 200 Connection established`.
const OPENED: u64 = 39;
const USER: &str = "svc-narrows";
/// With characters that must be escaped in a URL, and one that Basic uses itself.
const PASSWORD: &str = "p@ss:w/rd";

/// Runs a test on its bed, unless a program is missing; then looks at what is left.
pub(crate) fn run(way: Way, programs: &[&str], test: fn(&Bed)) {
    if !program::installed(programs) || (way.by_squid() && !Squid::available()) {
        return;
    }
    let mut bed = Bed::make(way);
    test(&bed);
    if bed.gateway.is_none() {
        bed.proxy.settle();
    }
    // With a gateway, a few sessions are kept ready; they are nothing that has to be cut.
    bed.proxy.signal(Signal::TERM);
    let status = bed.proxy.wait();
    assert!(status.success(), "{status}\n{}", bed.proxy.said());
}

// === impl Way ===

impl Way {
    const fn by_squid(self) -> bool {
        matches!(self, Self::Squid | Self::SquidWithBasic)
    }

    /// What the log must call it.
    const fn via(self) -> Via {
        match self {
            Self::Direct => Via::Direct,
            Self::Squid | Self::SquidWithBasic => Via::Proxy,
            Self::GatewayH1 => Via::GatewayH1,
            Self::GatewayH2 => Via::GatewayH2,
        }
    }
}

// === impl Bed ===

impl Bed {
    fn make(way: Way) -> Self {
        let squid = match way {
            Way::Squid => Some(Squid::start(None)),
            Way::SquidWithBasic => Some(Squid::start(Some((USER, PASSWORD)))),
            Way::Direct | Way::GatewayH1 | Way::GatewayH2 => None,
        };
        let gateway = match way {
            Way::GatewayH1 | Way::GatewayH2 => Some(Gateway::start("127.0.0.0/8:1-65535")),
            Way::Direct | Way::Squid | Way::SquidWithBasic => None,
        };
        let proxy = match (&squid, &gateway) {
            (Some(squid), _) => Setup::new().flag("proxy", &squid.url).config(RULES),
            (None, Some(gateway)) => through(gateway, way),
            (None, None) => Setup::new().config(RULES),
        };
        Self {
            way,
            origin: Origin::start(),
            proxy: proxy.start(),
            home: TempDir::new().unwrap(),
            squid,
            gateway,
        }
    }

    /// The origin's name. With a Squid it is one that only Squid can resolve, so that nobody else can have
    /// reached it; with a gateway an address, as `localhost` is how the gateway is called.
    pub(crate) const fn host(&self) -> &'static str {
        match self.way {
            Way::Direct => "localhost",
            Way::Squid | Way::SquidWithBasic => REMOTE_NAME,
            Way::GatewayH1 | Way::GatewayH2 => "127.0.0.1",
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
        if let Some(gateway) = &self.gateway {
            let there = gateway.finished(told.len());
            let sum = |told: &[Told], octets: fn(Done) -> u64| -> u64 {
                told.iter().map(|told| octets(told.done())).sum()
            };
            let sent = [&told, &there].map(|log| sum(log, |done| done.sent));
            let received = [&told, &there].map(|log| sum(log, |done| done.received));
            // A client may leave before the last octets, a farewell inside TLS for one, have arrived.
            assert!(sent[1] <= sent[0], "{told:?} {there:?}");
            assert!(received[0] <= received[1], "{told:?} {there:?}");
        }
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

    /// Checks both logs after one request for `https("/")` and one for `http("/")`.
    pub(crate) fn asked_for_both(&self) {
        let mut ports: Vec<u16> = self.proxy.finished(2).iter().map(Told::port).collect();
        ports.sort_unstable();
        let mut expected = [self.origin.http.port(), self.origin.https.port()];
        expected.sort_unstable();
        assert_eq!(ports, expected);
        self.squid_let_in(&["CONNECT", "GET"]);
    }

    /// Checks the methods that Squid, if there is one, let in.
    fn squid_let_in(&self, methods: &[&str]) {
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
        let mut told = self.proxy.settled();
        // What the rules deny is nothing that the test has asked for.
        told.retain(|told| {
            told.refused
                .as_ref()
                .is_none_or(|refused| refused.status != 403)
        });
        let target = format!("{}:{port}", self.host()).parse().unwrap();
        for told in &told {
            assert_eq!(told.target.as_ref(), Some(&target));
            assert_eq!(told.done().via, self.way.via());
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
