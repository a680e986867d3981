//! SOCKS5 (RFC 1928) with user and password (RFC 1929): bytes in, bytes out. No I/O.

use std::net::IpAddr;

use bytes::{BufMut, BytesMut};
use narrows_connect::Credentials;
use narrows_endpoint::{Host, Target};

/// Protocol version (RFC 1928 §3).
const VERSION: u8 = 5;
/// Version of the login's own negotiation (RFC 1929 §2).
const LOGIN_VERSION: u8 = 1;
const NO_LOGIN: u8 = 0;
const LOGIN: u8 = 2;
const NO_METHOD: u8 = 0xff;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
/// The most octets of a user or a password.
const MOST: usize = 255;

/// How the client shows who it is, as the proxy chose among what it was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// By user and password.
    Login,
    /// Not at all.
    None,
    /// It accepts nothing that was offered.
    Unacceptable,
}

/// Why a SOCKS5 proxy opened no connection (RFC 1928 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Code 8.
    #[error("it does not know this kind of address (8)")]
    AddressType,
    /// Code 7.
    #[error("it does not support CONNECT (7)")]
    Command,
    /// Code 5.
    #[error("the target refused the connection (5)")]
    ConnectionRefused,
    /// Code 1.
    #[error("general failure (1)")]
    General,
    /// Code 4.
    #[error("it cannot reach the target's host (4)")]
    HostUnreachable,
    /// Code 3.
    #[error("it cannot reach the target's network (3)")]
    NetworkUnreachable,
    /// Code 2.
    #[error("its rules do not allow it (2)")]
    NotAllowed,
    /// Code 6.
    #[error("the target did not answer (6, TTL expired)")]
    TtlExpired,
    /// Any other code.
    #[error("for a reason without a name ({0})")]
    Unassigned(u8),
}

/// A whole reply: its outcome, and its length in octets.
pub type Reply = (Result<(), Refused>, usize);

/// What came is not SOCKS5: the first octet that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("octet {at} of its answer is {octet:#04x}, which SOCKS5 does not have there")]
pub struct NotSocks {
    /// Its place in the answer, from 0.
    pub at: usize,
    /// What it is.
    pub octet: u8,
}

/// A user or password that does not fit into a SOCKS5 login: nothing, or more than 255 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("SOCKS5 carries users and passwords of 1 to 255 octets")]
pub struct LoginLength;

/// The first message: which methods are offered. With a login, going without one is offered too.
pub const fn greeting(login: bool) -> &'static [u8] {
    if login {
        &[VERSION, 2, NO_LOGIN, LOGIN]
    } else {
        &[VERSION, 1, NO_LOGIN]
    }
}

/// Reads the answer to the greeting, two octets; `None` if there are not enough yet.
///
/// # Errors
///
/// [`NotSocks`] if it is none, or chooses what nobody knows.
pub fn parse_method(buf: &[u8]) -> Result<Option<Method>, NotSocks> {
    expect(buf, 0, VERSION)?;
    Ok(Some(match buf.get(1) {
        None => return Ok(None),
        Some(&NO_LOGIN) => Method::None,
        Some(&LOGIN) => Method::Login,
        Some(&NO_METHOD) => Method::Unacceptable,
        Some(&octet) => return Err(NotSocks { at: 1, octet }),
    }))
}

/// The login: user and password, in clear.
///
/// # Errors
///
/// [`LoginLength`] if they do not fit.
pub fn login(credentials: &Credentials) -> Result<Vec<u8>, LoginLength> {
    let (user, password) = (credentials.user(), credentials.password());
    let mut login = vec![LOGIN_VERSION];
    for text in [user, password] {
        let length = u8::try_from(text.len()).map_err(|_| LoginLength)?;
        if length == 0 {
            return Err(LoginLength);
        }
        login.push(length);
        login.extend_from_slice(text.as_bytes());
    }
    Ok(login)
}

/// Reads the answer to the login, two octets: whether it was accepted; `None` if there are not enough yet.
///
/// # Errors
///
/// [`NotSocks`] if it is none.
pub fn parse_login(buf: &[u8]) -> Result<Option<bool>, NotSocks> {
    // Some servers repeat the protocol's version in place of the negotiation's.
    match buf {
        [] | [LOGIN_VERSION | VERSION] => Ok(None),
        [LOGIN_VERSION | VERSION, status, ..] => Ok(Some(*status == 0)),
        [octet, ..] => Err(NotSocks {
            at: 0,
            octet: *octet,
        }),
    }
}

/// Appends the request for a connection to the target. A name goes as a name, for the proxy to resolve.
pub fn encode_connect(target: &Target, dst: &mut BytesMut) {
    dst.put_slice(&[VERSION, CONNECT, 0]);
    match target.host() {
        Host::Ip(IpAddr::V4(ip)) => {
            dst.put_u8(IPV4);
            dst.put_slice(&ip.octets());
        }
        Host::Ip(IpAddr::V6(ip)) => {
            dst.put_u8(IPV6);
            dst.put_slice(&ip.octets());
        }
        Host::Name(name) => {
            let name = name.as_str().as_bytes();
            // Names have at most 253 octets by type.
            let name = &name[..name.len().min(MOST)];
            dst.put_u8(NAME);
            dst.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
            dst.put_slice(name);
        }
    }
    dst.put_u16(target.port());
}

/// Reads the reply to the request: its outcome, and its length, behind which the target's octets begin;
/// `None` if it is not whole yet. The address in it is skipped. A refusal ends with its code: what follows it
/// says nothing, and some servers close right behind the code or leave the address empty.
///
/// # Errors
///
/// [`NotSocks`] if it is none.
pub fn parse_reply(buf: &[u8]) -> Result<Option<Reply>, NotSocks> {
    expect(buf, 0, VERSION)?;
    if let Some(&code) = buf.get(1).filter(|code| **code != 0) {
        return Ok(Some((Err(Refused::of(code)), 2)));
    }
    let &[_, _, _, kind, ref rest @ ..] = buf else {
        return Ok(None);
    };
    let address = match (kind, rest) {
        (IPV4, _) => 4,
        (IPV6, _) => 16,
        (NAME, []) => return Ok(None),
        (NAME, [length, ..]) => 1 + usize::from(*length),
        (octet, _) => return Err(NotSocks { at: 3, octet }),
    };
    let length = 4 + address + 2;
    Ok((buf.len() >= length).then_some((Ok(()), length)))
}

fn expect(buf: &[u8], at: usize, wanted: u8) -> Result<(), NotSocks> {
    match buf.get(at) {
        Some(&octet) if octet != wanted => Err(NotSocks { at, octet }),
        _ => Ok(()),
    }
}

// === impl Refused ===

impl Refused {
    /// The meaning of a reply code other than 0.
    pub const fn of(code: u8) -> Self {
        match code {
            1 => Self::General,
            2 => Self::NotAllowed,
            3 => Self::NetworkUnreachable,
            4 => Self::HostUnreachable,
            5 => Self::ConnectionRefused,
            6 => Self::TtlExpired,
            7 => Self::Command,
            8 => Self::AddressType,
            code => Self::Unassigned(code),
        }
    }
}

#[cfg(test)]
mod tests;
