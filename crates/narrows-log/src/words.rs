//! The small words of a log line: severities, routes, versions, connection numbers, addresses.

use std::fmt;
use std::net::{SocketAddr, SocketAddrV6};
use std::str::FromStr;

use crate::quote::number;

/// How much a line matters; the levels of Go's `slog`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// For whoever looks into a fault.
    Debug,
    /// Something is broken here.
    Error,
    /// The course of things.
    Info,
    /// Somebody may have to act.
    Warn,
}

/// The way that a tunnel took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Via {
    /// Straight to the target. Not seen in a public log.
    Direct,
    /// Through the gateway, an HTTP/1.1 CONNECT in a TLS session of its own.
    GatewayH1,
    /// Through the gateway, one of many HTTP/2 streams in a TLS session. Not seen in a public log.
    GatewayH2,
    /// Through the enterprise proxy.
    Proxy,
}

/// The HTTP version of a client's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HttpVersion {
    /// HTTP/1.0. Not seen in a public log.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2. Not seen in a public log.
    Http2,
}

/// The numbers that join the lines of one connection: `P:1:C:2`.
///
/// What `P` means in arcproxy's own logs is not public; Narrows counts its listeners with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId {
    /// `P`: the listener, from 1.
    pub listener: u64,
    /// `C`: the connection or request, from 1, counted over the whole process.
    pub connection: u64,
}

/// A socket address as a line can say it: without the flow information of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(SocketAddr);

impl Severity {
    /// Every severity, for tables and parsers.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Error, Self::Info, Self::Warn];

    /// The word after `level=`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Error => "ERROR",
            Self::Info => "INFO",
            Self::Warn => "WARN",
        }
    }
}

impl Via {
    /// Every way, for tables and parsers.
    pub const ALL: [Self; 4] = [Self::Direct, Self::GatewayH1, Self::GatewayH2, Self::Proxy];

    /// The word after `done via`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::GatewayH1 => "gatewayh1",
            Self::GatewayH2 => "gatewayh2",
            Self::Proxy => "proxy",
        }
    }
}

impl HttpVersion {
    /// Every version, for tables and parsers.
    pub const ALL: [Self; 3] = [Self::Http10, Self::Http11, Self::Http2];

    /// The word after `on`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP-1.0",
            Self::Http11 => "HTTP-1.1",
            Self::Http2 => "HTTP-2.0",
        }
    }
}

/// A text that is none of the words looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of the known words")]
pub struct UnknownWord;

macro_rules! words {
    ($($type:ty),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::ALL
                    .into_iter()
                    .find(|known| known.as_str() == word)
                    .ok_or(UnknownWord)
            }
        }
    )*};
}

words!(Severity, Via, HttpVersion);

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P:{}:C:{}", self.listener, self.connection)
    }
}

impl ConnId {
    /// Reads `P:1:C:2`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (listener, connection) = text.strip_prefix("P:")?.split_once(":C:")?;
        Some(Self {
            listener: number(listener)?,
            connection: number(connection)?,
        })
    }
}

impl Address {
    /// The address, its flow information zero.
    pub const fn get(self) -> SocketAddr {
        self.0
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self(match address {
            SocketAddr::V4(_) => address,
            SocketAddr::V6(v6) => SocketAddrV6::new(*v6.ip(), v6.port(), 0, v6.scope_id()).into(),
        })
    }
}

impl From<Address> for SocketAddr {
    fn from(address: Address) -> Self {
        address.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
