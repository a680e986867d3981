//! [`Leg`]: a way to the target that is measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Failure;
use crate::delay::LongPath;
use crate::party::Party;
use crate::sockets::connect;

/// Somebody's way to the target.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) name: String,
    /// Where a client connects to.
    pub(crate) entry: SocketAddr,
    /// What to ask for, by CONNECT; `None` if the way leads to the target by itself.
    pub(crate) target: Option<SocketAddr>,
    /// Whose processor time counts.
    pub(crate) parties: Vec<Arc<Party>>,
    pub(crate) _path: Option<LongPath>,
}

impl Leg {
    /// Opens a tunnel; the time is that from the request to its answer.
    pub(crate) async fn open(&self) -> Result<(TcpStream, Duration), Failure> {
        open(self.entry, self.target).await
    }

    /// The processor time of all its parties so far.
    pub(crate) fn processor(&self) -> Duration {
        self.parties.iter().map(|party| party.processor()).sum()
    }
}

/// As [`Leg::open`].
pub(crate) async fn open(
    entry: SocketAddr,
    target: Option<SocketAddr>,
) -> Result<(TcpStream, Duration), Failure> {
    let mut stream = connect(entry).await?;
    let start = Instant::now();
    let Some(target) = target else {
        return Ok((stream, start.elapsed()));
    };
    let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        // The target speaks when it is spoken to, so nothing can follow the head.
        if stream.read_buf(&mut answer).await? == 0 {
            break;
        }
        if answer.starts_with(b"HTTP/1.1 ") && !answer.starts_with(b"HTTP/1.1 200") {
            break;
        }
    }
    if answer.starts_with(b"HTTP/1.1 200") {
        return Ok((stream, start.elapsed()));
    }
    let answer = String::from_utf8_lossy(&answer);
    Err(format!("no tunnel: {answer:?}").into())
}
