//! [`Settings`]: what holds after flags, variables, the file and defaults were put together.

mod admin;
mod clients;
mod gateway;
mod login;
mod routes;
mod upstream;

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use narrows_endpoint::{Catalogue, CatalogueError, Route, Source};
use narrows_upstream::Timeouts;
use toml::Spanned;

use crate::cli::{Options, Origins};
use crate::config::Loaded;
use crate::reach::Reach;
use narrows_service::config::{Seconds, Whole};
use narrows_service::descriptors;
use narrows_service::files;
use narrows_service::log::{self, SinkSettings};
use narrows_service::problem::{Problem, Problems};

pub use gateway::{Gateway, Leg};
pub use routes::Rule;
pub use upstream::Upstream;
pub(crate) use upstream::reaches;

/// Where the Arc proxy listens, and so do we.
pub const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 40343);

/// What holds after flags, variables, the file and defaults were put together; everything is judged.
#[derive(Debug)]
pub struct Settings {
    /// What the operator is shown, and where.
    pub admin: Option<narrows_admin::Place>,
    /// Addresses to listen on, at least one.
    pub listen: Vec<SocketAddr>,
    /// What becomes of targets that the gateway carries.
    pub gateway: Gateway,
    /// The enterprise proxies, the preferred one first.
    pub upstreams: Vec<Upstream>,
    /// Which addresses are dialled for clients on other machines.
    pub reach: Reach,
    /// Whether what the rules deny is let through, and reported.
    pub report_only: bool,
    /// The operator's rules, without the catalogue's.
    pub rules: Vec<Rule>,
    /// The route of what no rule matches, and where that is said.
    pub default: (Route, Source),
    /// The catalogue of known endpoints, unless it is switched off.
    pub catalogue: Option<Catalogue>,
    /// Where the tunnel log goes, at least one place.
    pub log: Vec<SinkSettings>,
    /// How much at a time, and how long; the clients of above too. `tunnels` is what was asked for,
    /// before [`descriptors::tunnels`] fits it to the descriptors.
    pub server: narrows_server::Settings,
    /// How long each step towards a target may take.
    pub timeouts: Timeouts,
    /// What was left out, each a sentence for a person.
    pub warnings: Vec<String>,
}

/// The sources of settings while they are put together, and what is wrong with them so far.
struct Merge<'a> {
    options: &'a Options,
    origins: &'a Origins,
    loaded: Option<&'a Loaded>,
    /// The catalogue whose bypass keywords count, whether or not its endpoints do.
    catalogue: Catalogue,
    /// Whether an upstream is named, but so that it cannot be used.
    upstream_refused: bool,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

// === impl Settings ===

impl Settings {
    /// Puts flags, their variables, the file that they name, and `lookup` (the environment, for
    /// HTTPS_PROXY and NO_PROXY) together.
    ///
    /// Reads the configuration file and the files that it and the flags name, nothing else.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once; only a file that is not TOML hides the rest.
    pub fn resolve(
        options: &Options,
        origins: &Origins,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Problems> {
        let named_by = match options.config {
            Some(_) => origins.of("config"),
            None => Source::BuiltIn,
        };
        let loaded = match options.file() {
            Some(path) => Some(Loaded::read(&path, named_by)?),
            None => None,
        };
        Self::judge(options, origins, lookup, loaded.as_ref())
    }

    /// As [`resolve`](Self::resolve), with a file that was read already.
    pub(crate) fn judge(
        options: &Options,
        origins: &Origins,
        lookup: impl Fn(&str) -> Option<String>,
        loaded: Option<&Loaded>,
    ) -> Result<Self, Problems> {
        let mut merge = Merge {
            options,
            origins,
            loaded,
            catalogue: Catalogue::built_in().clone(),
            upstream_refused: false,
            problems: loaded
                .map(|loaded| loaded.problems.clone())
                .unwrap_or_default(),
            warnings: Vec::new(),
        };
        let settings = merge.all(lookup);
        Problems::check(merge.problems)?;
        Ok(settings)
    }
}

// === impl Merge ===

impl Merge<'_> {
    fn all(&mut self, lookup: impl Fn(&str) -> Option<String>) -> Settings {
        self.load_catalogue();
        let clients = self.clients();
        let reach = self.reach(&clients);
        let listen = self.listen(&clients);
        let own: Vec<_> = listen.iter().map(|(address, _)| *address).collect();
        let (upstreams, excepted) = self.upstreams(&own, &lookup);
        let upstream = !upstreams.is_empty();
        let mut rules = self.rules();
        rules.extend(excepted);
        Settings {
            admin: self.admin(&own, &lookup),
            reach,
            report_only: self.report_only(),
            gateway: self.gateway(&own, upstream, &rules),
            default: self.default_route(upstream),
            listen: own,
            upstreams,
            rules,
            catalogue: self.uses_catalogue().then(|| self.catalogue.clone()),
            log: self.log(),
            server: self.server(clients),
            timeouts: self.timeouts(),
            warnings: std::mem::take(&mut self.warnings),
        }
    }

    /// The addresses to listen on, each with the place that names it.
    fn listen(&mut self, clients: &[IpNet]) -> Vec<(SocketAddr, Source)> {
        let mut listen: Vec<(SocketAddr, Source)> = Vec::new();
        let given = given(&self.options.listen);
        if given.is_empty() {
            for address in self.loaded.iter().flat_map(|loaded| &loaded.file.listen) {
                listen.push((address.get_ref().0, self.place(address)));
            }
        }
        for text in given {
            let source = self.origins.of("listen");
            if let Some(address) = self.read(text, source.clone(), "write 127.0.0.1:40343") {
                listen.push((address, source));
            }
        }
        for (address, source) in &listen {
            if !address.ip().to_canonical().is_loopback() && clients.is_empty() {
                let problem = format!("{address} can be reached by other machines");
                self.problems.push(Problem::new(source.clone(), problem).hint(
                    "say who may use it: --allow-clients 10.0.0.0/8, or allow = [\"10.0.0.0/8\"] in [clients]",
                ));
            }
        }
        // Naming an address twice asks for nothing more. Port 0 is another port each time.
        let mut named = HashSet::new();
        listen.retain(|(address, _)| address.port() == 0 || named.insert(*address));
        if listen.is_empty() {
            listen.push((LISTEN, Source::BuiltIn));
        }
        listen
    }

    fn uses_catalogue(&self) -> bool {
        let switch = self.loaded.and_then(|loaded| loaded.file.rules.catalogue);
        switch.unwrap_or(true)
    }

    /// Takes the catalogue that `rules.catalogue_file` names.
    fn load_catalogue(&mut self) {
        let Some((loaded, path)) = self
            .loaded
            .and_then(|loaded| Some((loaded, loaded.file.rules.catalogue_file.as_ref()?)))
        else {
            return;
        };
        let name = path.get_ref();
        let read = match files::read_text(name.as_ref()) {
            Ok(text) => text.parse().map_err(|error: CatalogueError| {
                format!("{name}:{}: {}", error.line(), error.problem())
            }),
            Err(error) => Err(format!("{name}: {error}")),
        };
        match read {
            Ok(catalogue) => self.catalogue = catalogue,
            Err(message) => {
                let message = format!("rules.catalogue_file: {message}");
                self.problems
                    .push(Problem::new(loaded.source(path), message));
            }
        }
    }

    fn log(&mut self) -> Vec<SinkSettings> {
        let file = self.options.log.as_ref().filter(|path| !path.is_empty());
        let wanted = log::Wanted {
            file: file.map(PathBuf::from),
            format: self.options.log_format,
        };
        let section = self.loaded.map(|loaded| &loaded.file.log);
        let place = |part| {
            self.loaded
                .map_or(Source::BuiltIn, |loaded| loaded.place(part))
        };
        let nothing = log::Section::default();
        let section = section.unwrap_or(&nothing);
        section.sinks(wanted, "".as_ref(), &place, &mut self.problems)
    }

    fn server(&self, clients: Vec<IpNet>) -> narrows_server::Settings {
        let mut server = narrows_server::Settings::default();
        server.clients = clients;
        server.tunnels = descriptors::MOST_TUNNELS;
        if let Some(loaded) = self.loaded {
            let limits = &loaded.file.limits;
            set(&mut server.head.max_bytes, limits.head_bytes.map(count));
            set(&mut server.head_time, limits.head_seconds.map(time));
            set(&mut server.tunnels, limits.tunnels.map(count));
            server.tunnels_per_client = limits.tunnels_per_client.map(count);
            set(
                &mut server.relay.idle,
                limits.idle_seconds.map(|idle| Some(idle.0)),
            );
            set(&mut server.drain, loaded.file.drain.seconds.map(time));
            let unready = loaded.file.drain.unready_seconds;
            set(
                &mut server.unready,
                unready.map(|Whole(seconds)| Duration::from_secs(seconds.into())),
            );
        }
        server
    }

    fn timeouts(&self) -> Timeouts {
        let mut timeouts = Timeouts::default();
        if let Some(loaded) = self.loaded {
            let file = &loaded.file.timeouts;
            set(&mut timeouts.resolve, file.resolve_seconds.map(time));
            set(&mut timeouts.connect, file.connect_seconds.map(time));
            set(&mut timeouts.request, file.request_seconds.map(time));
            set(&mut timeouts.tls, file.tls_seconds.map(time));
        }
        timeouts
    }

    /// Reads a text as a `T`, or notes the problem.
    fn read<T>(&mut self, text: &str, source: Source, hint: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let problem = Problem::new(source, format!("{text:?}: {error}"));
                self.problems.push(problem.hint(hint));
                None
            }
        }
    }

    /// Where a value of the file stands. Called only with values of the file that is loaded.
    fn place<T>(&self, value: &Spanned<T>) -> Source {
        match self.loaded {
            Some(loaded) => loaded.source(value),
            None => Source::BuiltIn,
        }
    }
}

/// The values of an option that are not empty: an empty variable is one that is not set.
fn given(values: &[String]) -> Vec<&str> {
    let values = values.iter().map(|value| value.trim());
    values.filter(|value| !value.is_empty()).collect()
}

fn set<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

const fn time(seconds: Seconds) -> Duration {
    seconds.0
}

/// Counts are at most a million, which every `usize` holds.
fn count<const MIN: u32, const MAX: u32>(number: Whole<MIN, MAX>) -> usize {
    usize::try_from(number.0).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
