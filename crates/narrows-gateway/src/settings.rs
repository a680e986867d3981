//! [`Settings`]: what the command line and the configuration file come to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use narrows_admin::{Place, Wanted};
use narrows_connect::Limits;
use narrows_endpoint::{Host, Name, Source};
use narrows_upstream::Timeouts;

use crate::cli::Options;
use crate::config::{self, Loaded};
use crate::own::Own;
use crate::tls::TlsFiles;
use narrows_service::config::{Seconds, Whole};
use narrows_service::log::{self, SinkSettings};
use narrows_service::problem::{Problem, Problems};

/// Everything that a gateway server is told.
#[derive(Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The admin listener, if there is one.
    pub admin: Option<Place>,
    /// Whether everyone is let in.
    pub anonymous: bool,
    /// Whether one bad address spoils a name.
    pub any_bad_denies_all: bool,
    /// The directory that relative paths start from.
    pub directory: PathBuf,
    /// Connections to targets that are being made at a time.
    pub dials: usize,
    /// The domain of new endpoints.
    pub domain: Name,
    /// Failed logins of one address in a second.
    pub failures: u32,
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
    /// How long a handshake may take.
    pub handshake_time: Duration,
    /// Handshakes at a time.
    pub handshakes: usize,
    /// JSON Web Tokens, if they are accepted.
    pub jwt: Option<JwtSettings>,
    /// How long a tunnel may last.
    pub lifetime: Option<Duration>,
    /// What is listened on.
    pub listen: Vec<SocketAddr>,
    /// Where the access log goes, at least one place.
    pub log: Vec<SinkSettings>,
    /// What is this server itself, without its listeners.
    pub own: Own,
    /// What the shared server is told.
    pub server: narrows_server::Settings,
    /// How long each step towards a target may take.
    pub timeouts: Timeouts,
    /// Certificates and keys.
    pub tls: TlsFiles,
}

/// What JSON Web Tokens are judged by.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    /// The file with the keys.
    pub keys: PathBuf,
    /// The audience; the gateway's endpoint when `None`.
    pub audience: Option<Box<str>>,
    /// The issuer, if one is expected.
    pub issuer: Option<Box<str>>,
    /// By how many seconds clocks may differ.
    pub leeway: u32,
}

// === impl Settings ===

impl Settings {
    /// Reads the configuration file, if there is one, and puts the flags over it. The admin listener may be
    /// where the service manager says.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, at once.
    pub fn resolve(options: &Options) -> Result<Self, Problems> {
        let directory = options.dir.clone().unwrap_or_else(|| DIRECTORY.into());
        let path = file(options, &directory);
        let loaded = load(options, path.as_deref())?;
        if let Some(problem) = lonely_jwt(&loaded) {
            return Err(problem.into());
        }
        let mut problems = loaded.problems.clone();
        let wanted = log::Wanted {
            file: options.log.clone(),
            format: options.log_format,
        };
        let place = |part| loaded.place(part);
        let section = &loaded.file.log;
        let log = section.sinks(wanted, &directory, &place, &mut problems);
        let runtime = std::env::var("RUNTIME_DIRECTORY").ok();
        let admin = admin(options, &loaded, runtime, &mut problems);
        Problems::check(problems)?;
        Ok(Self {
            admin,
            file: path,
            log,
            ..Self::join(options, directory, &loaded.file)
        })
    }

    /// What is in the file and needs no judging.
    fn join(options: &Options, directory: PathBuf, file: &config::File) -> Self {
        let listen = listen(options, file);
        let path = |text: &str| directory.join(text);
        let or = |text: &Option<String>, default| path(text.as_deref().unwrap_or(default));
        Self {
            admin: None,
            anonymous: options.allow_anonymous || file.auth.anonymous,
            any_bad_denies_all: file.dial.any_bad_denies_all,
            dials: count(file.limits.dials, DIALS),
            domain: file.domain().cloned().unwrap_or_else(localhost),
            failures: file
                .auth
                .failures_per_second
                .map_or(FAILURES, |Whole(most)| most),
            file: None,
            handshake_time: time(file.tls.handshake_seconds, HANDSHAKE_TIME),
            handshakes: count(file.tls.handshakes, HANDSHAKES),
            jwt: file.jwt.jwks_file.as_deref().map(|keys| JwtSettings {
                keys: path(keys),
                audience: file
                    .jwt
                    .audience
                    .as_ref()
                    .map(|text| text.get_ref().as_str().into()),
                issuer: file
                    .jwt
                    .issuer
                    .as_ref()
                    .map(|text| text.get_ref().as_str().into()),
                leeway: file
                    .jwt
                    .leeway_seconds
                    .as_ref()
                    .map_or(LEEWAY, |text| text.get_ref().0),
            }),
            lifetime: file.limits.lifetime_seconds.map(|Seconds(time)| time),
            server: server(file, unready(file, &listen)),
            listen,
            log: Vec::new(),
            own: own(&file.own),
            timeouts: timeouts(&file.timeouts),
            tls: TlsFiles {
                certificate: or(&file.tls.certificate, "tls/certificate.pem"),
                key: or(&file.tls.key, "tls/key.pem"),
                authorities: file.clients.ca_file.as_deref().map(path),
                revocations: file
                    .clients
                    .crl_files
                    .iter()
                    .map(|text| path(text.get_ref()))
                    .collect(),
            },
            directory,
        }
    }

    /// The directory of definitions.
    pub fn definitions(&self) -> PathBuf {
        self.directory.join("gateways")
    }

    /// The file of tokens.
    pub fn tokens(&self) -> PathBuf {
        self.directory.join("tokens.json")
    }
}

/// The file that was named, else the one of the directory, if it is there.
fn file(options: &Options, directory: &Path) -> Option<PathBuf> {
    let usual = || Some(directory.join("gateway.toml")).filter(|path| path.exists());
    options.config.clone().or_else(usual)
}

fn load(options: &Options, path: Option<&Path>) -> Result<Loaded, Problems> {
    let named_by = match options.config {
        Some(_) => Source::Argument("--config".into()),
        None => Source::BuiltIn,
    };
    path.map_or_else(
        || Loaded::parse("", ""),
        |path| Loaded::read(path, named_by),
    )
}

fn admin(
    options: &Options,
    loaded: &Loaded,
    runtime: Option<String>,
    problems: &mut Vec<Problem>,
) -> Option<Place> {
    let given = options.admin.as_deref().map(str::trim);
    let given = given.filter(|text| !text.is_empty());
    let wanted = Wanted {
        given: given.map(|text| (text, Source::Argument("--admin".into()))),
        own: &listen(options, &loaded.file),
        program: "narrows-gateway",
        runtime,
    };
    let place = |part| loaded.place(part);
    loaded.file.admin.place(wanted, &place, problems)
}

/// A setting for JWTs without their keys is a mistake, not a wish.
fn lonely_jwt(loaded: &Loaded) -> Option<Problem> {
    let jwt = &loaded.file.jwt;
    if jwt.jwks_file.is_some() {
        return None;
    }
    let texts = jwt.audience.as_ref().or(jwt.issuer.as_ref());
    let place = texts.map(|text| loaded.source(text));
    let place = place.or_else(|| {
        jwt.leeway_seconds
            .as_ref()
            .map(|number| loaded.source(number))
    })?;
    let problem = Problem::new(place, "JWTs are accepted only with jwt.jwks_file");
    Some(problem.hint("add jwks_file, or remove the other keys of [jwt]"))
}

fn listen(options: &Options, file: &config::File) -> Vec<SocketAddr> {
    let configured = file.listen.iter().map(|address| address.get_ref().0);
    match options.listen.is_empty() {
        false => options.listen.clone(),
        true if !file.listen.is_empty() => configured.collect(),
        true => vec![LISTEN],
    }
}

fn own(file: &config::Own) -> Own {
    Own {
        addresses: file
            .addresses
            .iter()
            .map(|address| address.0.to_canonical())
            .collect(),
        listeners: Vec::new(),
        // The type allows no more than ports.
        ports: file
            .ports
            .iter()
            .filter_map(|port| u16::try_from(port.0).ok())
            .collect(),
    }
}

fn server(file: &config::File, unready: Duration) -> narrows_server::Settings {
    let mut server = narrows_server::Settings::default();
    let limits = &file.limits;
    // Whoever can connect is asked who it is; ranges are a firewall's business.
    server.clients = vec![every(Ipv4Addr::UNSPECIFIED.into()), every(EVERY_V6)];
    server.drain = time(file.drain.seconds, server.drain);
    server.head = Limits {
        max_bytes: count(limits.head_bytes, server.head.max_bytes),
        ..server.head
    };
    server.head_time = time(limits.head_seconds, server.head_time);
    server.name = "narrows-gateway".to_owned();
    server.relay.idle = limits
        .idle_seconds
        .map_or(server.relay.idle, |Seconds(time)| Some(time));
    server.tunnels = count(limits.connections, server.tunnels);
    server.unready = unready;
    server
}

/// How long the gateway says that it is not ready before it drains: as the file says, else [`UNREADY`],
/// unless nobody but this machine can connect, and no balancer either.
fn unready(file: &config::File, listen: &[SocketAddr]) -> Duration {
    match file.drain.unready_seconds {
        Some(Whole(seconds)) => Duration::from_secs(seconds.into()),
        None if listen.iter().all(|address| address.ip().is_loopback()) => Duration::ZERO,
        None => UNREADY,
    }
}

fn timeouts(file: &config::Timeouts) -> Timeouts {
    let default = Timeouts::default();
    Timeouts {
        resolve: time(file.resolve_seconds, default.resolve),
        connect: time(file.connect_seconds, default.connect),
        ..default
    }
}

fn time(given: Option<Seconds>, default: Duration) -> Duration {
    given.map_or(default, |Seconds(time)| time)
}

fn count<const MIN: u32, const MAX: u32>(given: Option<Whole<MIN, MAX>>, default: usize) -> usize {
    given.map_or(default, |Whole(number)| {
        usize::try_from(number).unwrap_or(usize::MAX)
    })
}

/// Every address of a family.
fn every(zero: IpAddr) -> ipnet::IpNet {
    ipnet::IpNet::new_assert(zero, 0)
}

#[expect(clippy::expect_used, reason = "the text is a name, and a test says so")]
fn localhost() -> Name {
    let host: Result<Host, _> = "localhost".parse();
    host.ok()
        .and_then(|host| host.name().cloned())
        .expect("localhost is a name")
}

/// Where a packaged gateway keeps its files.
pub const DIRECTORY: &str = "/etc/narrows-gateway";
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);
const EVERY_V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED);
const DIALS: usize = 1024;
const FAILURES: u32 = 5;
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
const HANDSHAKES: usize = 1024;
const LEEWAY: u32 = 60;
/// Kubernetes takes an endpoint out within a second or two of its end being asked for; others look every few
/// seconds.
const UNREADY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(toml: &str, options: Options) -> Result<Settings, Problems> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("gateway.toml"), toml).unwrap();
        let dir = Some(dir.path().to_owned());
        Settings::resolve(&Options { dir, ..options })
    }

    fn is_stdout(settings: &Settings) -> bool {
        let sinks = settings.log.iter().map(|sink| &sink.to);
        sinks.eq([&log::Destination::Stdout])
    }

    #[test]
    fn nothing_needs_to_be_said() {
        let settings = resolve("", Options::default()).unwrap();
        assert_eq!(settings.listen, [LISTEN]);
        assert_eq!(settings.domain.as_str(), "localhost");
        assert!(!settings.anonymous && is_stdout(&settings));
        assert!(settings.tls.key.ends_with("tls/key.pem") && settings.tls.key.is_absolute());
    }

    #[test]
    fn flags_beat_the_file() {
        let toml = "listen = [\"127.0.0.1:1\"]\nlog.file = \"a.log\"\nlimits.lifetime_seconds = 9";
        let settings = resolve(toml, Options::default()).unwrap();
        assert_eq!(settings.listen, ["127.0.0.1:1".parse().unwrap()]);
        let log = settings.log[0].to.to_string();
        assert!(log.starts_with('/') && log.ends_with("a.log"), "{log}");
        assert_eq!(settings.lifetime, Some(Duration::from_secs(9)));
        let options = Options {
            listen: vec!["0.0.0.0:2".parse().unwrap()],
            log: Some("-".into()),
            ..Options::default()
        };
        let settings = resolve(toml, options).unwrap();
        assert_eq!(settings.listen, ["0.0.0.0:2".parse().unwrap()]);
        assert!(is_stdout(&settings));
    }

    #[test]
    fn who_has_a_balancer_gives_it_time() {
        for (toml, seconds) in [
            ("", 0),
            ("listen = [\"0.0.0.0:1\"]", 5),
            ("listen = [\"0.0.0.0:1\"]\ndrain.unready_seconds = 0", 0),
            ("drain.unready_seconds = 10", 10),
        ] {
            let settings = resolve(toml, Options::default()).unwrap();
            assert_eq!(settings.server.unready.as_secs(), seconds, "{toml}");
        }
    }

    #[test]
    fn half_of_a_setting_is_a_problem() {
        let problems = resolve("[jwt]\nissuer = \"a\"", Options::default()).unwrap_err();
        assert!(
            problems.to_string().contains("gateway.toml:2: JWTs"),
            "{problems}"
        );
    }
}
