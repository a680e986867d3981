//! Upstream proxies that answer CONNECT in one wrong way.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::wire::{drain, finish, reset};
use crate::raw::Raw;

/// What an upstream does with a CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// This status, these header lines (each with its CRLF) and an empty body.
    Answers(&'static str, &'static str),
    /// Octets that are no HTTP.
    Garbage,
    /// The beginning of a head, then FIN.
    HalfAHead,
    /// FIN instead of an answer.
    Nothing,
    /// 200, and then FIN before a byte of the target.
    OpensThenCloses,
    /// 200, and then RST.
    OpensThenResets,
    /// RST instead of an answer.
    Resets,
    /// Nothing, ever.
    Silent,
    /// It speaks TLS and answers plain text with an alert.
    WantsTls,
}

// === impl Upstream ===

impl Upstream {
    pub(super) fn serve(self, raw: Raw) {
        let stream = raw.into_inner();
        if !took_head(&stream) {
            return;
        }
        match self {
            Self::Answers(status, headers) => {
                let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\n\r\n");
                say(&stream, head.as_bytes());
                finish(&stream);
            }
            Self::Garbage => {
                say(&stream, b"\x00\x01\x02 not a proxy at all\r\n\r\n");
                finish(&stream);
            }
            Self::HalfAHead => {
                say(&stream, b"HTTP/1.1 200 Connection est");
                finish(&stream);
            }
            Self::Nothing => finish(&stream),
            Self::OpensThenCloses => {
                say(&stream, OPEN);
                super::hello::peek(&stream);
                finish(&stream);
            }
            Self::OpensThenResets => {
                say(&stream, OPEN);
                super::hello::peek(&stream);
                reset(&stream);
            }
            Self::Resets => reset(&stream),
            Self::Silent => drain(&stream),
            Self::WantsTls => {
                // unexpected_message, as servers answer octets that are no record.
                say(&stream, &[21, 3, 3, 0, 2, 2, 10]);
                finish(&stream);
            }
        }
    }
}

/// Takes a request head; `false` if the client leaves before it is whole.
fn took_head(mut stream: &TcpStream) -> bool {
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut octet) {
            Ok(1) => head.push(octet[0]),
            _ => return false,
        }
    }
    true
}

fn say(mut stream: &TcpStream, octets: &[u8]) {
    // Who asked may be gone.
    let _ = stream.write_all(octets);
}

const OPEN: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
