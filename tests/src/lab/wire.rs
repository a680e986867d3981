//! Servers that take a connection and never speak TLS.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use super::hello;
use crate::raw::Raw;

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// This fatal alert answers the ClientHello.
    Alert(u8),
    /// FIN after the ClientHello: what a firewall's application rule looks like.
    CloseAfterHello,
    /// FIN before anything was said.
    CloseOnAccept,
    /// Octets that are no protocol answer the ClientHello.
    Garbage,
    /// A firewall says in plain text that it denies: Azure Firewall's own sentence.
    Http470,
    /// An HTTP server that does not expect TLS.
    HttpPlain,
    /// RST after the ClientHello.
    ResetAfterHello,
    /// RST before anything was said. It may overtake the connection's own success.
    ResetOnAccept,
    /// Nothing, ever. Octets are taken.
    Silence,
    /// SSH speaks first.
    Ssh,
}

// === impl Wire ===

impl Wire {
    pub(super) fn serve(self, raw: Raw) {
        let stream = raw.into_inner();
        match self {
            Self::Alert(number) => answer(&stream, &[21, 3, 3, 0, 2, 2, number]),
            Self::CloseAfterHello => answer(&stream, b""),
            Self::CloseOnAccept => finish(&stream),
            Self::Garbage => answer(&stream, &[0xf0, 0x9f, 0x93, 0x8e, 0, 1, 2, 3, 4, 5]),
            Self::Http470 => answer(&stream, DENIED.as_bytes()),
            Self::HttpPlain => answer(&stream, BAD_REQUEST.as_bytes()),
            Self::ResetAfterHello => {
                hello::peek(&stream);
                reset(&stream);
            }
            Self::ResetOnAccept => reset(&stream),
            Self::Silence => drain(&stream),
            Self::Ssh => {
                let _ = (&stream).write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n");
                finish(&stream);
            }
        }
    }
}

/// Says it once the ClientHello is there, and ends in good order. Who asks may be gone by then.
fn answer(stream: &TcpStream, octets: &[u8]) {
    hello::peek(stream);
    let _ = { stream }.write_all(octets);
    finish(stream);
}

/// FIN, and nothing but FIN: what is unread when a socket is closed turns it into RST.
pub(super) fn finish(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    drain(stream);
}

/// Takes what comes until the other side ends or is silent for too long.
pub(super) fn drain(mut stream: &TcpStream) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|length| length > 0) {}
}

/// RST, when the stream is dropped.
pub(super) fn reset(stream: &TcpStream) {
    socket2::SockRef::from(stream)
        .set_linger(Some(std::time::Duration::ZERO))
        .expect("a socket option");
}

/// As Azure Firewall says it on port 80.
const DENIED: &str = "HTTP/1.1 470 status code 470\r\nContent-Length: 70\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\r\n\
    Action: Deny. Reason: No rule matched. Proceeding with default action.";
const BAD_REQUEST: &str =
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
