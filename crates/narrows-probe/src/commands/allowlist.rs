//! `allowlist`: what must be open for a selection, once or watched.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;
use narrows_endpoint::Target;
use narrows_service::say::say;
use narrows_upstream::Dialer;

use super::read_duration;
use crate::allowlist::{Document, Format, Pac, Written};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::output::Output;
use crate::selection::{Openings, SelectArgs, Selection, read_target};
use crate::servicebus::{self, Cache, Client, Kept};
use crate::via::{self, GatewayArgs, Path, Via};

mod watch;

/// What the list is for, and where it goes.
#[derive(Clone, Debug, Args)]
pub struct AllowlistArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub select: SelectArgs,

    /// The gateway's name: only what must stay open beside it is listed
    #[arg(long, env = "NARROWS_PROBE_GATEWAY", value_name = "FQDN", value_parser = read_target)]
    pub gateway: Option<Target>,

    /// Leave out a wildcard where the catalogue knows the names under it
    #[arg(long)]
    pub narrow: bool,

    /// How the list is written
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Write it to this file, as a whole or not at all [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// What a PAC script says for the names in the list
    #[arg(long, value_name = "TEXT", default_value = "DIRECT")]
    pub pac_listed: String,

    /// What a PAC script says for all other names
    #[arg(long, value_name = "TEXT", default_value = "PROXY 127.0.0.1:40343")]
    pub pac_other: String,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub expand: ExpandArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub watch: WatchArgs,
}

/// How the names behind the Service Bus wildcards are found.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Service Bus names")]
pub struct ExpandArgs {
    /// Ask the notification service for the region's names in place of *.servicebus.windows.net
    #[arg(long, requires = "region")]
    pub expand_servicebus: bool,

    /// How the service is reached: direct, local, proxy=URL or gateway=URL
    #[arg(long, value_name = "PATH", default_value = "direct")]
    pub via: Via,

    /// Ask here instead of the cloud's own service: `https://host[:port]/path`
    #[arg(long, value_name = "URL")]
    pub allowlist_url: Option<String>,

    /// Trust the authorities in this PEM file for the service, beside the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// Keep the last good answer in this file [default: narrows-probe in the user's cache directory]
    #[arg(long, value_name = "FILE")]
    pub cache: Option<PathBuf>,

    /// Use a kept answer that is younger than this without asking
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = read_duration)]
    pub max_age: Duration,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub gateway: GatewayArgs,
}

/// Whether it goes on.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Watching")]
pub struct WatchArgs {
    /// Ask again and again, and replace the file when the list has changed
    #[arg(long, requires_all = ["expand_servicebus", "output"])]
    pub watch: bool,

    /// How long to wait between two questions
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = read_duration)]
    pub interval: Duration,

    /// Run this command (by sh) after the file was replaced; NARROWS_ALLOWLIST is its name
    #[arg(long, value_name = "COMMAND", requires = "watch")]
    pub exec: Option<String>,
}

/// Everything that a list is made from.
#[derive(Debug)]
struct Job {
    selection: Selection,
    openings: Openings,
    about: Vec<String>,
    format: Format,
    pac: Pac,
    expand: Option<Expand>,
}

/// Where the names come from.
#[derive(Debug)]
struct Expand {
    client: Client,
    cache: Option<Cache>,
    suffix: &'static str,
}

/// Writes the list.
///
/// # Errors
///
/// Flags that are wrong, an output that cannot be written, and names that neither the service nor the
/// cache has.
///
/// # Cancel safety
///
/// Dropping the future leaves the output whole: the old list or the new one.
pub async fn run(args: AllowlistArgs) -> Result<Exit, Fault> {
    let job = Job::new(&args)?;
    let output = Output::new(args.output.as_deref());
    output.check()?;
    job.mention_unknown();
    match &args.output {
        Some(file) if args.watch.watch => watch::run(&job, file, &args.watch).await,
        _ => {
            let names = job.names(args.expand.max_age).await?;
            let written = job.write(names.as_deref());
            written
                .warnings
                .iter()
                .for_each(|line| say(format_args!("warning: {line}")));
            output.write(&written.text)?;
            Ok(Exit::Clean)
        }
    }
}

// === impl Job ===

impl Job {
    fn new(args: &AllowlistArgs) -> Result<Self, Fault> {
        let selection = args.select.resolve()?;
        let openings = selection.openings(args.gateway.as_ref(), args.narrow)?;
        let about = about(&selection, args.gateway.as_ref());
        let expand = Expand::new(args, &selection, &openings)?;
        Ok(Self {
            selection,
            openings,
            about,
            format: args.format,
            pac: Pac {
                listed: args.pac_listed.clone(),
                other: args.pac_other.clone(),
            },
            expand,
        })
    }

    /// Says which rows have no name, and which flag would give them one.
    fn mention_unknown(&self) {
        for row in &self.openings.unknown {
            let advice = if self.selection.region().is_none() {
                "give --region".to_owned()
            } else {
                let flags = row.missing.iter().map(|token| format!("--set {token}=..."));
                format!("give {}", flags.collect::<Vec<_>>().join(" "))
            };
            say(format_args!(
                "warning: {} is not in the list; {advice}",
                row.name
            ));
        }
    }

    /// The names behind the wildcards, if they are asked for: from the service, or from the cache if
    /// that is young enough or the service fails.
    async fn names(&self, max_age: Duration) -> Result<Option<Vec<String>>, Fault> {
        let Some(expand) = &self.expand else {
            return Ok(None);
        };
        expand.names(max_age).await.map(Some)
    }

    fn write(&self, names: Option<&[String]>) -> Written {
        let mut openings = self.openings.clone();
        if let (Some(expand), Some(names)) = (&self.expand, names) {
            servicebus::expand(&mut openings, expand.suffix, names);
        }
        let mut document = Document::new(self.about.clone(), openings.open);
        document.pac = self.pac.clone();
        document.write(self.format)
    }
}

// === impl Expand ===

impl Expand {
    /// None if it is not asked for, or if there is nothing to expand, which is said.
    fn new(
        args: &AllowlistArgs,
        selection: &Selection,
        openings: &Openings,
    ) -> Result<Option<Self>, Fault> {
        let flags = &args.expand;
        let (true, Some(region)) = (flags.expand_servicebus, selection.region()) else {
            return Ok(None);
        };
        let service = servicebus::service(selection.cloud());
        if !servicebus::is_expandable(openings, service.suffix) {
            let name = format!("*.{}", service.suffix);
            say(format_args!(
                "warning: --expand-servicebus: the list has no {name}"
            ));
            return Ok(None);
        }
        let path = Path::new(&flags.via, &flags.gateway, Dialer::default())?;
        let authorities = flags.ca_file.as_deref().map(via::authorities).transpose()?;
        let url = flags.allowlist_url.as_deref().unwrap_or(service.url);
        let client = Client::new(
            url,
            &region.name,
            service.suffix,
            path,
            authorities.unwrap_or_default(),
        )?;
        let lookup = |name: &str| std::env::var(name).ok();
        let file = flags
            .cache
            .clone()
            .or_else(|| Cache::default_file(&region.name, lookup));
        Ok(Some(Self {
            client,
            cache: file.map(|file| Cache::new(file, &region.name, service.suffix)),
            suffix: service.suffix,
        }))
    }

    async fn names(&self, max_age: Duration) -> Result<Vec<String>, Fault> {
        let now = SystemTime::now();
        let kept = self.cache.as_ref().and_then(Cache::load);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.age(now) < max_age) {
            return Ok(kept.names.clone());
        }
        match (self.client.fetch().await, kept) {
            (Ok(names), _) => {
                self.keep(&names, now);
                Ok(names)
            }
            (Err(error), Some(kept)) => {
                let age = kept.age(now).as_secs();
                say(format_args!(
                    "warning: {error}; using the names of {age} s ago"
                ));
                Ok(kept.names)
            }
            (Err(error), None) => {
                let fault =
                    Fault::failure(format_args!("cannot get the Service Bus names: {error}"));
                Err(fault.hint("no earlier answer is kept; without --expand-servicebus the list has the wildcard"))
            }
        }
    }

    fn keep(&self, names: &[String], now: SystemTime) {
        let Some(cache) = &self.cache else { return };
        let kept = Kept {
            names: names.to_vec(),
            fetched: now,
        };
        if let Err(error) = cache.store(&kept) {
            let file = cache.file().display();
            say(format_args!(
                "warning: cannot keep the answer in {file}: {error}"
            ));
        }
    }
}

/// What stands above the list. No time of day: the same list is the same text.
fn about(selection: &Selection, gateway: Option<&Target>) -> Vec<String> {
    let region = selection
        .region()
        .map_or("any region", |region| &*region.name);
    let features = selection.features();
    let features = match &*features {
        [] => "everything".to_owned(),
        features => features.join(", "),
    };
    let gateway = gateway.map_or_else(
        || "without a gateway".to_owned(),
        |gateway| format!("beside the gateway {}", gateway.host()),
    );
    vec![
        format!(
            "must be open for {features} in {} {region}, {gateway}",
            selection.cloud()
        ),
        format!(
            "narrows-probe {}, catalogue of {}",
            env!("CARGO_PKG_VERSION"),
            selection.catalogue().date()
        ),
    ]
}
