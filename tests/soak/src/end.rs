//! One end of a connection, which counts and compares.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use crate::content::{Content, LONGEST};
use crate::plan::Id;

/// The client's or the origin's end.
#[derive(Debug)]
pub(crate) struct End {
    stream: TcpStream,
    out: Outgoing,
    incoming: Incoming,
}

/// What this end has sent.
#[derive(Debug)]
struct Outgoing {
    content: Content,
    octets: u64,
}

/// What this end has read.
#[derive(Debug)]
struct Incoming {
    content: Content,
    octets: u64,
    intact: bool,
    /// Octets that came together with a head.
    early: Vec<u8>,
    pause: Option<Duration>,
}

/// What an end has seen, when it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Octets that the system took from it.
    pub(crate) sent: u64,
    /// Octets that it read.
    pub(crate) received: u64,
    /// Whether these were the right ones.
    pub(crate) intact: bool,
}

// === impl End ===

impl End {
    pub(crate) fn client(stream: TcpStream, id: Id) -> Self {
        Self::new(stream, id.content(false), id.content(true))
    }

    pub(crate) fn origin(stream: TcpStream, id: Id) -> Self {
        Self::new(stream, id.content(true), id.content(false))
    }

    fn new(stream: TcpStream, out: u64, incoming: u64) -> Self {
        Self {
            stream,
            out: Outgoing {
                content: Content::new(out),
                octets: 0,
            },
            incoming: Incoming {
                content: Content::new(incoming),
                octets: 0,
                intact: true,
                early: Vec::new(),
                pause: None,
            },
        }
    }

    /// What there was so far.
    pub(crate) const fn seen(&self) -> Seen {
        Seen {
            sent: self.out.octets,
            received: self.incoming.octets,
            intact: self.incoming.intact,
        }
    }

    /// From now on it waits so long after each piece that it reads.
    pub(crate) const fn pause(&mut self, pause: Duration) {
        self.incoming.pause = Some(pause);
    }

    /// Sends text that is not part of the content.
    pub(crate) async fn say(&mut self, text: &[u8]) -> io::Result<()> {
        self.stream.write_all(text).await?;
        self.out.octets += text.len() as u64;
        Ok(())
    }

    /// Takes a head, up to its empty line.
    pub(crate) async fn head(&mut self) -> io::Result<String> {
        let mut all = std::mem::take(&mut self.incoming.early);
        loop {
            if let Some(at) = all.windows(4).position(|four| four == b"\r\n\r\n") {
                self.incoming.early = all.split_off(at + 4);
                self.incoming.octets += all.len() as u64;
                return String::from_utf8(all).map_err(io::Error::other);
            }
            if all.len() > 16_384 || self.stream.read_buf(&mut all).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Takes octets that must be these.
    pub(crate) async fn expect(&mut self, text: &[u8]) -> io::Result<()> {
        let early = text.len().min(self.incoming.early.len());
        let mut read: Vec<u8> = self.incoming.early.drain(..early).collect();
        read.resize(text.len(), 0);
        self.stream.read_exact(&mut read[early..]).await?;
        self.incoming.octets += text.len() as u64;
        self.incoming.intact &= read == text;
        Ok(())
    }

    /// Forgets what was counted so far: a head that is not part of the tunnel.
    pub(crate) const fn begin(&mut self) {
        self.out.octets = 0;
        self.incoming.octets = 0;
    }

    /// Counts what was sent before [`End::begin`] after all.
    pub(crate) const fn count_as_sent(&mut self, octets: u64) {
        self.out.octets += octets;
    }

    /// Sends the next octets of the content.
    pub(crate) async fn send(&mut self, octets: u64) -> io::Result<()> {
        let mut stream = self.stream.split().1;
        self.out.send(&mut stream, octets).await
    }

    /// Takes so many octets of the content.
    pub(crate) async fn take(&mut self, octets: u64) -> io::Result<()> {
        let mut stream = self.stream.split().0;
        self.incoming.take(&mut stream, octets).await
    }

    /// Both at once.
    pub(crate) async fn exchange(&mut self, out: u64, incoming: u64) -> io::Result<()> {
        let (mut reader, mut writer) = self.stream.split();
        tokio::try_join!(
            self.out.send(&mut writer, out),
            self.incoming.take(&mut reader, incoming)
        )?;
        Ok(())
    }

    /// Sends octets until the other side is gone, in whichever way, and takes what it says until then.
    pub(crate) async fn until_over(&mut self, out: u64) {
        let (mut reader, mut writer) = self.stream.split();
        let all = async {
            // Whoever resets a connection does not take everything.
            let _ = self.out.send(&mut writer, out).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            _ = self.incoming.take(&mut reader, u64::MAX) => {}
            () = all => {}
        }
    }

    /// Takes the end of the other direction, before which nothing may come.
    pub(crate) async fn ended(&mut self) -> io::Result<()> {
        let before = self.incoming.octets;
        self.rest().await?;
        self.incoming.intact &= self.incoming.octets == before;
        Ok(())
    }

    /// Takes all that comes before the other direction's end.
    pub(crate) async fn rest(&mut self) -> io::Result<()> {
        match self.take(u64::MAX).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            other => other,
        }
    }

    /// Ends its own direction.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Resets the connection.
    pub(crate) fn reset(&self) -> io::Result<()> {
        // It happens when the stream is dropped.
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))
    }
}

// === impl Outgoing ===

impl Outgoing {
    async fn send(&mut self, stream: &mut WriteHalf<'_>, octets: u64) -> io::Result<()> {
        let mut left = octets;
        while left > 0 {
            let piece = self.content.next(usize::try_from(left).unwrap_or(LONGEST));
            let written = stream.write(piece).await?;
            self.content.advance(written);
            self.octets += written as u64;
            left -= written as u64;
        }
        Ok(())
    }
}

// === impl Incoming ===

impl Incoming {
    async fn take(&mut self, stream: &mut ReadHalf<'_>, octets: u64) -> io::Result<()> {
        let early = usize::try_from(octets).unwrap_or(usize::MAX);
        let early: Vec<u8> = self.early.drain(..early.min(self.early.len())).collect();
        self.read(&early);
        let mut left = octets - early.len() as u64;
        let mut buffer = Vec::new();
        while left > 0 {
            // Few tunnels carry bulk, so that few have a large buffer.
            buffer.resize(usize::try_from(left).unwrap_or(LONGEST).min(LONGEST), 0);
            let read = stream.read(&mut buffer).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.read(&buffer[..read]);
            left -= read as u64;
            if let Some(pause) = self.pause {
                tokio::time::sleep(pause).await;
            }
        }
        Ok(())
    }

    fn read(&mut self, octets: &[u8]) {
        self.intact &= self.content.is_next(octets);
        self.octets += octets.len() as u64;
    }
}
