//! Looking at a ClientHello without taking it.

use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The record with the ClientHello, as far as it has come: whole, unless the client ends before or says
/// something else. It stays in the socket.
pub(super) fn peek(stream: &TcpStream) -> Vec<u8> {
    let deadline = Instant::now() + PATIENCE;
    let mut buffer = vec![0; RECORD_HEADER + MAX_RECORD];
    loop {
        let have = stream.peek(&mut buffer).unwrap_or(0);
        let wanted = match buffer[..have] {
            [HANDSHAKE, _, _, high, low, ..] => {
                RECORD_HEADER + usize::from(u16::from_be_bytes([high, low]))
            }
            [HANDSHAKE, ..] => RECORD_HEADER,
            _ => have,
        };
        if have >= wanted.min(buffer.len()) || Instant::now() > deadline {
            buffer.truncate(have);
            return buffer;
        }
        // The rest is on its way; there is nothing to wait on, as a peek returns at once.
        std::thread::yield_now();
    }
}

/// Whether a hello names this host.
pub(super) fn names(hello: &[u8], host: &str) -> bool {
    hello
        .windows(host.len())
        .any(|octets| octets == host.as_bytes())
}

/// How long half a hello is waited on: its other half is on loopback.
const PATIENCE: Duration = Duration::from_secs(1);
const HANDSHAKE: u8 = 22;
const RECORD_HEADER: usize = 5;
const MAX_RECORD: usize = 1 << 14;
