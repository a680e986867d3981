//! A client that speaks HTTP/2 frame by frame (RFC 9113 §4.1), so that it can misbehave.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Long, because a loaded machine may be slow; only a test that fails takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client connection.
pub(crate) struct Frames {
    io: TcpStream,
}

/// A frame that was received.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// What a client did came to this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The server closed without a word, or with GOAWAY and NO_ERROR.
    Closed,
    /// GOAWAY with this error code.
    Connection(u32),
    /// RST_STREAM with this error code; the connection lives.
    Stream(u32),
    /// Nothing happened: two pings were answered.
    Fine,
}

impl Frames {
    /// Says the preface and settles the settings.
    pub(crate) async fn start(io: TcpStream) -> Self {
        Self::start_with(io, &[]).await
    }

    /// As `start`, with these settings of the client's own.
    pub(crate) async fn start_with(io: TcpStream, settings: &[(u16, u32)]) -> Self {
        let mut this = Self { io };
        this.send(PREFACE).await;
        this.send(&frame(SETTINGS, 0, 0, &pairs(settings))).await;
        let is_settings = |frame: &Frame| frame.kind == SETTINGS && frame.flags & ACK == 0;
        this.until(is_settings).await.unwrap();
        this.send(&frame(SETTINGS, ACK, 0, &[])).await;
        this
    }

    /// Sends octets; a server that has hung up is for the test to judge.
    pub(crate) async fn send(&mut self, octets: &[u8]) {
        let sent = timeout(PATIENCE, self.io.write_all(octets)).await;
        let _ = sent.expect("the server reads on, or hangs up");
    }

    /// Sends octets until the server takes no more for a moment; how many were taken.
    pub(crate) async fn cram(&mut self, octets: &[u8], most: usize) -> usize {
        let mut sent = 0;
        while sent < most {
            let at = sent % octets.len();
            match timeout(Duration::from_millis(300), self.io.write(&octets[at..])).await {
                Ok(Ok(taken)) => sent += taken,
                Ok(Err(_)) | Err(_) => break,
            }
        }
        sent
    }

    /// The next frame; `None` at the end of the connection, however it ends.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let next = timeout(PATIENCE, self.read()).await;
        next.expect("a frame, or an end")
    }

    async fn read(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.io.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, flags, d, e, f, g] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.io.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes([d, e, f, g]);
        Some(Frame {
            kind,
            flags,
            stream,
            payload,
        })
    }

    /// Reads up to a frame of this kind; `None` if the connection ends before it.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if wanted(&frame) {
                return Some(frame);
            }
        }
    }

    /// Asks for a tunnel on this stream; it must open.
    pub(crate) async fn open(&mut self, stream: u32, target: &str) {
        self.send(&connect(stream, target)).await;
        let answer = self
            .until(|frame| frame.kind == HEADERS && frame.stream == stream)
            .await;
        // `:status: 200`, the eighth entry of the static table (RFC 7541 appendix A).
        assert_eq!(answer.unwrap().payload[0], 0x88);
    }

    /// Waits for what comes of what was sent: `wanted` is waited for, other ends are ends too.
    pub(crate) async fn fate(&mut self, wanted: Fate) -> Fate {
        let mut pongs = 0;
        let mut reset = None;
        self.send(&ping()).await;
        loop {
            let Some(frame) = self.next().await else {
                return Fate::Closed;
            };
            match frame.kind {
                GOAWAY if frame.code(4) != 0 => return Fate::Connection(frame.code(4)),
                RST_STREAM => reset = Some(Fate::Stream(frame.code(0))),
                PING if frame.payload == PING_OPAQUE && pongs < 2 => {
                    pongs += 1;
                    self.send(&ping()).await;
                }
                _ => {}
            }
            // A reset may come from a task of its own, after a ping was answered.
            let waits = matches!(wanted, Fate::Stream(_)) && reset.is_none();
            if pongs == 2 && !waits && !matches!(wanted, Fate::Connection(_) | Fate::Closed) {
                return reset.unwrap_or(Fate::Fine);
            }
        }
    }
}

impl Frame {
    /// An error code, so many octets into the payload.
    pub(crate) fn code(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

/// A frame whose length is that of its payload.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut octets = vec![a, b, c, kind, flags];
    octets.extend(stream.to_be_bytes());
    octets.extend(payload);
    octets
}

/// Settings as a payload.
pub(crate) fn pairs(settings: &[(u16, u32)]) -> Vec<u8> {
    let pair = |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    settings.iter().flat_map(pair).collect()
}

/// Fields as a header block: literals without indexing, names included (RFC 7541 §6.2.2).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut octets = Vec::new();
    for (name, value) in fields {
        octets.push(0);
        for text in [name, value] {
            octets.push(u8::try_from(text.len()).unwrap());
            octets.extend(text.as_bytes());
        }
    }
    octets
}

/// A whole request head, without END_STREAM.
pub(crate) fn head(stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &block(fields))
}

/// A request for a tunnel.
pub(crate) fn connect(stream: u32, target: &str) -> Vec<u8> {
    head(stream, &[(":method", "CONNECT"), (":authority", target)])
}

/// RST_STREAM with CANCEL.
pub(crate) fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])
}

pub(crate) fn ping() -> Vec<u8> {
    frame(PING, 0, 0, PING_OPAQUE)
}

const PING_OPAQUE: &[u8] = b"are you?";
