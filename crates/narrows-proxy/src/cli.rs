//! The command line: one doc comment per flag makes the short and the long help.
//!
//! Values are kept as text. [`Settings`](crate::settings::Settings) judges them together with the
//! environment and the file, so that every problem is reported at once, in one form, and a password
//! inside a URL is never echoed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use narrows_endpoint::{Source, Target};

use narrows_log::Format as LogFormat;

use crate::configure::ConfigCommand;
use crate::logs::LogsCommand;
use crate::{exit, explain};

/// Sends this machine's egress through one narrow, named passage.
///
/// Listens on 127.0.0.1:40343 as an HTTP forward proxy (CONNECT and plain HTTP) and needs no
/// configuration. For every target it decides a route (gateway, proxy, direct or deny) by the rules,
/// and `explain` says which and why.
///
/// A flag beats its NARROWS_* variable, which beats the file, which beats HTTPS_PROXY and NO_PROXY.
#[derive(Debug, Parser)]
#[command(name = "narrows-proxy", version, after_help = exit::HELP)]
pub struct Cli {
    /// What every command understands.
    #[command(flatten)]
    pub options: Options,
    /// What to do; `run` when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The flags that every command understands, as text.
#[derive(Debug, Default, Args)]
pub struct Options {
    /// Show metrics, health, status and a page here
    ///
    /// An address of this machine such as 127.0.0.1:9090, unix: and a path, or off. `show` asks there.
    /// Beats `admin.listen`.
    #[arg(long, env = "NARROWS_ADMIN", value_name = "ADDR", global = true)]
    pub admin: Option<String>,

    /// Allow clients from this address range (repeatable)
    ///
    /// A CIDR range such as 10.0.0.0/8, or one address. Loopback is always allowed. Needed before
    /// --listen accepts an address that other machines can reach. Where those clients may be led is
    /// `clients.reach` of the file. Beats `clients.allow`.
    #[arg(
        long,
        env = "NARROWS_ALLOW_CLIENTS",
        value_name = "CIDR",
        value_delimiter = ',',
        global = true
    )]
    pub allow_clients: Vec<String>,

    /// Reach these names directly, without upstream proxy or gateway
    ///
    /// A comma list of the keywords AAD, ARM, AMA, Arc and ArcData (as in azcmagent's proxy.bypass)
    /// and of patterns such as *.corp.example or 10.0.0.0/8. Beats `proxy.bypass`.
    #[arg(
        long,
        env = "NARROWS_BYPASS",
        value_name = "LIST",
        value_delimiter = ',',
        global = true
    )]
    pub bypass: Vec<String>,

    /// Read settings from this TOML file
    ///
    /// Without it /etc/narrows/proxy.toml, if it is there; an empty name means no file at all. An unknown
    /// key is an error, with its line and the nearest known key. A file that changes is read again.
    #[arg(long, env = "NARROWS_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<OsString>,

    /// Send what the gateway carries through this gateway
    ///
    /// `https://host[:port]`. Beats `gateway.url`; token, password and client certificate of a file that
    /// names another gateway are then not sent to this one.
    #[arg(
        long,
        env = "NARROWS_GATEWAY",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    pub gateway: Option<String>,

    /// Trust the authorities in this PEM file for the gateway, beside the system's
    ///
    /// Beats `gateway.ca_file`.
    #[arg(
        long,
        env = "NARROWS_GATEWAY_CA_FILE",
        value_name = "FILE",
        global = true
    )]
    pub gateway_ca_file: Option<String>,

    /// Show the gateway the bearer token in this file
    ///
    /// The token alone, on one line; it is sent inside TLS only. Beats `gateway.token_file` and
    /// `gateway.user`.
    #[arg(
        long,
        env = "NARROWS_GATEWAY_TOKEN_FILE",
        value_name = "FILE",
        global = true
    )]
    pub gateway_token_file: Option<String>,

    /// Listen on this address (repeatable) [default: 127.0.0.1:40343]
    ///
    /// Port 0 takes a free port; the line "listening on" tells which. An address that other machines
    /// can reach needs --allow-clients. Beats `listen`.
    #[arg(
        long,
        env = "NARROWS_LISTEN",
        value_name = "ADDR",
        value_delimiter = ',',
        global = true
    )]
    pub listen: Vec<String>,

    /// Write the tunnel log to this file, or to standard output if it is - [default: -]
    ///
    /// The file is appended to, and opened again on SIGHUP. Beats `log.file`.
    #[arg(long, env = "NARROWS_LOG", value_name = "FILE|-", global = true)]
    pub log: Option<OsString>,

    /// The form of its lines: arcproxy, clf, json or squid [default: arcproxy]
    ///
    /// arcproxy writes a request in two lines, the others in one when it has ended. Beats `log.format`.
    #[arg(long, value_name = "FORM", global = true)]
    pub log_format: Option<LogFormat>,

    /// Use this enterprise proxy as upstream
    ///
    /// `http://[user:password@]host:port`, or https or socks5 instead; several, separated by commas, in
    /// order of preference. Beats `proxy.url` and HTTPS_PROXY. Other users of this machine may read a command line: put a password
    /// into the file that proxy.password_file names.
    #[arg(
        long,
        env = "NARROWS_PROXY",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    pub proxy: Option<String>,

    /// Let through what the rules deny, and report it
    ///
    /// Each such request is logged and counted as "would deny". Beats `rules.report_only`.
    #[arg(long, env = "NARROWS_REPORT_ONLY", global = true)]
    pub report_only: bool,
}

/// The configuration file when none is named.
pub const FILE: &str = "/etc/narrows/proxy.toml";

impl Options {
    /// The configuration file that is read: the one that is named, else [`FILE`] if it is there.
    pub fn file(&self) -> Option<PathBuf> {
        let file = self.file_or_default()?;
        (self.config.is_some() || file.exists()).then_some(file)
    }

    /// The configuration file, whether or not it is there; `None` if there is to be none.
    pub fn file_or_default(&self) -> Option<PathBuf> {
        match &self.config {
            Some(path) => Some(PathBuf::from(path)).filter(|path| !path.as_os_str().is_empty()),
            None => Some(PathBuf::from(FILE)),
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at the configuration file, and change it
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Read logs: what went where, how often, how slowly, and what failed
    ///
    /// Lines of arcproxy, Squid, the Common Log Format and our JSON, mixed as they come; files may be
    /// compressed with gzip, and - is standard input.
    #[command(subcommand)]
    Logs(LogsCommand),
    /// Serve until SIGTERM or SIGINT (the default)
    ///
    /// The first signal drains: no new tunnels, open ones may finish. A second one ends at once.
    /// SIGHUP opens the log file again, and reads the configuration again.
    Run,
    /// Print the status of the proxy that is running
    ///
    /// Asks its admin listener: the one of --admin or the file, else the socket that a service has.
    Show {
        /// One JSON object for programs
        #[arg(long)]
        json: bool,
    },
    /// Say which route targets take, and why
    ///
    /// Nothing is resolved, dialled or listened on.
    Explain {
        /// Text for people or JSON for programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// Host, or host:port; the port is 443 when absent
        #[arg(required = true, value_name = "HOST[:PORT]", value_parser = explain::read_target)]
        targets: Vec<Target>,
    },
}

/// How `explain` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Labelled lines, a blank line between targets.
    #[default]
    Text,
    /// One JSON array with one object per target.
    Json,
}

/// Where each option that was given came from: its flag or its variable.
#[derive(Clone, Debug)]
pub struct Origins(ArgMatches);

/// Reads the command line and the NARROWS_* variables.
///
/// # Errors
///
/// clap's error for wrong usage, and for `--help` and `--version`; it knows its own exit code.
pub fn parse(
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<(Cli, Origins), clap::Error> {
    let matches = Cli::command().try_get_matches_from(args)?;
    let cli = Cli::from_arg_matches(&matches)?;
    Ok((cli, Origins(matches)))
}

impl Origins {
    /// The flag or the variable that set the option `name` (as in `allow-clients`).
    pub fn of(&self, name: &str) -> Source {
        let id = name.replace('-', "_");
        match self.0.value_source(&id) {
            Some(ValueSource::EnvVariable) => {
                Source::Environment(format!("NARROWS_{}", id.to_uppercase()).into())
            }
            _ => Source::Argument(format!("--{name}").into()),
        }
    }
}
