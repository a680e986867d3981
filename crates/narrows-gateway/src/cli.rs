//! The command line: one doc comment per flag makes the short and the long help.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use narrows_log::Format;

use crate::definition::{Endpoint, GatewayName};
use crate::exit;
use crate::feature::Features;

/// The far end: an HTTPS proxy with one name that carries an audited list of targets.
///
/// Serves CONNECT over TLS (HTTP/1.1 and HTTP/2) for every gateway that is defined in its directory, told
/// apart by the name in TLS. Lets no one in without a token, a JWT or a client certificate, carries only
/// what a gateway's features allow, and dials no inner address unless a rule names it.
#[derive(Debug, Parser)]
#[command(name = "narrows-gateway", version, after_help = exit::HELP)]
pub struct Cli {
    /// What every command understands.
    #[command(flatten)]
    pub options: Options,
    /// What to do; `run` when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The flags that every command understands.
#[derive(Clone, Debug, Default, Args)]
pub struct Options {
    /// Show metrics, health, status and a page here
    ///
    /// An address of this machine such as 127.0.0.1:9090, unix: and a path, or off. Beats `admin.listen`.
    #[arg(
        long,
        env = "NARROWS_GATEWAY_ADMIN",
        value_name = "ADDR",
        global = true
    )]
    pub admin: Option<String>,

    /// Let everyone in who can connect
    ///
    /// Without it, a gateway that has no tokens, no JWT keys and no authority of client certificates
    /// starts on loopback only. Beats `auth.anonymous`.
    #[arg(long, env = "NARROWS_GATEWAY_ALLOW_ANONYMOUS", global = true)]
    pub allow_anonymous: bool,

    /// Read settings from this TOML file [default: DIR/gateway.toml, if it is there]
    #[arg(
        long,
        env = "NARROWS_GATEWAY_CONFIG",
        value_name = "FILE",
        global = true
    )]
    pub config: Option<PathBuf>,

    /// The directory of definitions (gateways/NAME.json), tokens.json and tls/ [default: /etc/narrows-gateway]
    ///
    /// Paths in the configuration file that are not absolute start from here.
    #[arg(long, env = "NARROWS_GATEWAY_DIR", value_name = "DIR", global = true)]
    pub dir: Option<PathBuf>,

    /// Listen on this address (repeatable) [default: 127.0.0.1:8443]
    ///
    /// Port 0 takes a free port; the line "listening on" tells which. Beats `listen`.
    #[arg(
        long,
        env = "NARROWS_GATEWAY_LISTEN",
        value_name = "ADDR",
        value_delimiter = ',',
        global = true
    )]
    pub listen: Vec<SocketAddr>,

    /// Write the access log to this file, or to standard output if it is - [default: -]
    #[arg(
        long,
        env = "NARROWS_GATEWAY_LOG",
        value_name = "FILE|-",
        global = true
    )]
    pub log: Option<PathBuf>,

    /// The form of its lines: arcproxy, clf, json or squid [default: arcproxy]
    ///
    /// arcproxy writes a request in two lines, the others in one when it has ended. Beats `log.format`.
    #[arg(long, value_name = "FORM", global = true)]
    pub log_format: Option<Format>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM or SIGINT (the default)
    ///
    /// The first signal drains: no new connections, open tunnels may finish. A second one ends at once.
    /// SIGHUP opens the log again and looks for changed files, which otherwise happens every two seconds.
    Run,
    /// Define a gateway and print it
    Create(Create),
    /// Print every gateway
    List,
    /// Print one gateway
    Show {
        /// The gateway's name
        name: GatewayName,
    },
    /// Remove a gateway and print what it was
    ///
    /// Its tunnels stay open; requests that follow are refused.
    Delete {
        /// The gateway's name
        name: GatewayName,
    },
    /// Issue, revoke and list bearer tokens
    Token {
        /// What to do with tokens
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Make everything for a trial on this machine
    ///
    /// A certificate authority, a server certificate for localhost, a first gateway and a token, in a
    /// directory of their own; and print the three lines to start using it.
    Init(Init),
}

/// A new gateway.
#[derive(Debug, Args)]
pub struct Create {
    /// The gateway's name: letters, digits, '-', '_' and '.'
    pub name: GatewayName,
    /// What it may carry (repeatable, or a comma list) [default: *]
    ///
    /// `*` (what the catalogue says a gateway carries), a group of the catalogue such as arc-servers, or
    /// a pattern such as *.corp.example or wiki.corp.example:8443; 'PATTERN in CIDR' lets its names lead
    /// to inner networks, and so does 'PATTERN in CIDR,CIDR'.
    #[arg(long, value_name = "FEATURES")]
    pub allowed_features: Vec<Features>,
    /// The domain of its endpoint, `<id>.gw.<domain>` [default: `domain` of the configuration]
    #[arg(long)]
    pub domain: Option<Endpoint>,
    /// A region, for the record
    #[arg(long, default_value = "local")]
    pub location: String,
    /// A resource group, for the record
    #[arg(long, default_value = "narrows")]
    pub resource_group: String,
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, once: only its digest is kept
    Issue {
        /// The identity that the log shows
        name: String,
        /// The one gateway that the token is for [default: every one]
        #[arg(long)]
        gateway: Option<GatewayName>,
    },
    /// Print the names of the tokens as JSON
    List,
    /// Forget a token; tunnels that it opened stay open
    Revoke {
        /// The token's name
        name: String,
    },
}

/// A trial on this machine.
#[derive(Debug, Args)]
pub struct Init {
    /// What the first gateway may carry, as for create [default: *]
    #[arg(long, value_name = "FEATURES")]
    pub allowed_features: Vec<Features>,
}
