//! What must be open, in the words of the device that opens it.

use std::collections::BTreeMap;

use clap::ValueEnum;
use narrows_endpoint::Transport;

use crate::selection::Opening;

mod azure_firewall;
mod csv;
mod nftables;
mod pac;
mod squid;
mod text;

pub use pac::Pac;

/// How the list is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: names, ports, purposes, and the pages that say so.
    #[default]
    Text,
    /// One name a line, nothing else.
    Names,
    /// RFC 4180, one line for each name and port, every field of the catalogue.
    Csv,
    /// Squid: acl and http_access lines to include before `http_access deny all`.
    Squid,
    /// Azure Firewall policy: an application rule collection as JSON.
    AzureFirewall,
    /// The same as a Bicep module.
    Bicep,
    /// A proxy auto-configuration script.
    Pac,
    /// nftables: named sets, and how dnsmasq fills them.
    Nftables,
}

/// A list to be written, and the words around it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Document {
    /// What the list is for: one short line each.
    pub about: Vec<String>,
    /// What must be open.
    pub open: Vec<Opening>,
    /// What a script says to a browser.
    pub pac: Pac,
}

/// A list as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The list, with a newline at its end.
    pub text: String,
    /// What the format cannot say; one line each, for standard error.
    pub warnings: Vec<String>,
}

// === impl Document ===

impl Document {
    /// A list of these, in the order given.
    pub fn new(about: Vec<String>, open: Vec<Opening>) -> Self {
        Self {
            about,
            open,
            pac: Pac::default(),
        }
    }

    /// Writes the list. The same list gives the same text, whenever it is written.
    pub fn write(&self, format: Format) -> Written {
        match format {
            Format::Text => text::write(self),
            Format::Names => self.names(),
            Format::Csv => csv::write(self),
            Format::Squid => squid::write(self),
            Format::AzureFirewall => azure_firewall::json(self),
            Format::Bicep => azure_firewall::bicep(self),
            Format::Pac => pac::write(self),
            Format::Nftables => nftables::write(self),
        }
    }

    fn names(&self) -> Written {
        let mut names: Vec<&str> = self.open.iter().map(|row| &*row.name).collect();
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(*name));
        Written::from(
            names
                .iter()
                .map(|name| format!("{name}\n"))
                .collect::<String>(),
        )
    }

    /// The names by the TCP port that they are needed on, in the order of the list; what is not TCP is
    /// said to be left out.
    fn by_port(&self, written: &mut Written) -> BTreeMap<u16, Vec<&Opening>> {
        let mut ports: BTreeMap<u16, Vec<&Opening>> = BTreeMap::new();
        for row in &self.open {
            if row.transport == Transport::Tcp {
                ports.entry(row.port).or_default().push(row);
            } else {
                written.warnings.push(format!(
                    "{} on {} port {} is not in this format",
                    row.name, row.transport, row.port
                ));
            }
        }
        ports
    }

    /// The lines of `about`, each behind a comment sign.
    fn comments(&self, sign: &str) -> String {
        self.about
            .iter()
            .map(|line| format!("{sign} {line}\n"))
            .collect()
    }
}

impl From<String> for Written {
    fn from(text: String) -> Self {
        Self {
            text,
            warnings: Vec::new(),
        }
    }
}

/// A regular expression, in the common part of POSIX and JavaScript syntax, for exactly the names that
/// the catalogue's pattern means: `*.x` any depth below `x`, a star inside a label that label alone.
fn regular_expression(name: &str) -> String {
    let (front, rest) = match name.strip_prefix("*.") {
        Some(rest) => (r"([^.]+\.)+", rest),
        None => ("", name),
    };
    let rest = rest.replace('.', r"\.").replace('*', "[^.]*");
    format!("^{front}{rest}$")
}

#[cfg(test)]
mod tests;
