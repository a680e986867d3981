//! The long path: a TCP relay that holds whatever passes for a fixed time, each way.
//!
//! A relay cannot delay the handshake of TCP itself, so the first octets of a connection are held for the
//! round trip that it would have cost. The rate is not limited; tokio's timers add up to 1 ms.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::sockets::{connect, finish, listen, prepare};

/// Octets that one read may bring.
const CHUNK: usize = 256 * 1024;
/// What may be on its way in one direction of one connection: 5 GB/s at 50 ms. What the far side does not
/// take holds up the near side from then on, as a full window would.
const ON_THE_WAY: usize = 256 * 1024 * 1024;

/// A path to an address; dropping it closes the entrance.
#[derive(Debug)]
pub(crate) struct LongPath {
    /// Where to connect to.
    pub(crate) entrance: SocketAddr,
    accepting: JoinHandle<()>,
}

impl LongPath {
    /// Opens a path that takes `one_way` in each direction.
    pub(crate) async fn open(to: SocketAddr, one_way: Duration) -> io::Result<Self> {
        let (listener, entrance) = listen().await?;
        let accepting = tokio::spawn(accept(listener, to, one_way));
        Ok(Self {
            entrance,
            accepting,
        })
    }
}

impl Drop for LongPath {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, one_way: Duration) {
    while let Ok((near, _)) = listener.accept().await {
        tokio::spawn(async move {
            // A connection that cannot be made, or breaks, ends; whoever used it notices.
            let _ = carry(near, to, one_way).await;
        });
    }
}

async fn carry(near: TcpStream, to: SocketAddr, one_way: Duration) -> io::Result<()> {
    let open_from = Instant::now() + 2 * one_way;
    prepare(&near)?;
    let far = Arc::new(connect(to).await?);
    let near = Arc::new(near);
    let there = direction(&near, &far, one_way, open_from);
    let back = direction(&far, &near, one_way, open_from);
    // The first error ends both: the sockets close with RST.
    let ended = tokio::try_join!(there, back);
    if ended.is_err() {
        for stream in [&near, &far] {
            stream.set_zero_linger()?;
        }
    }
    Ok(())
}

/// Something on its way, and when it arrives.
struct Passing {
    due: Instant,
    /// `None` is the reset of a connection, an empty one its end.
    octets: Option<Bytes>,
}

async fn direction(
    from: &Arc<TcpStream>,
    to: &Arc<TcpStream>,
    one_way: Duration,
    open_from: Instant,
) -> io::Result<()> {
    let (send, receive) = mpsc::unbounded_channel();
    let room = Semaphore::new(ON_THE_WAY);
    // Two tasks, so that reading and its time stamps do not wait for writing.
    let from = Arc::clone(from);
    let room = Arc::new(room);
    let reading = tokio::spawn(read(from, send, Arc::clone(&room), one_way, open_from));
    let written = write(to, receive, &room).await;
    reading.abort();
    written
}

async fn read(
    from: Arc<TcpStream>,
    send: mpsc::UnboundedSender<Passing>,
    room: Arc<Semaphore>,
    one_way: Duration,
    open_from: Instant,
) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(CHUNK);
        let read = read_some(&from, &mut buffer).await;
        let due = (Instant::now()).max(open_from) + one_way;
        let octets = read.ok().map(|_| buffer.split().freeze());
        let length = octets.as_ref().map_or(0, Bytes::len);
        let last = length == 0;
        let Ok(permits) = room
            .acquire_many(u32::try_from(length).unwrap_or(u32::MAX))
            .await
        else {
            return;
        };
        permits.forget();
        if send.send(Passing { due, octets }).is_err() || last {
            return;
        }
    }
}

async fn read_some(from: &TcpStream, buffer: &mut BytesMut) -> io::Result<usize> {
    loop {
        from.readable().await?;
        match from.try_read_buf(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}

async fn write(
    to: &TcpStream,
    mut receive: mpsc::UnboundedReceiver<Passing>,
    room: &Semaphore,
) -> io::Result<()> {
    while let Some(Passing { due, octets }) = receive.recv().await {
        if due > Instant::now() {
            sleep_until(due).await;
        }
        let mut octets = octets.ok_or(io::ErrorKind::ConnectionReset)?;
        let length = octets.len();
        if length == 0 {
            finish(to);
            return Ok(());
        }
        while octets.has_remaining() {
            to.writable().await?;
            match to.try_write(&octets) {
                Ok(written) => octets.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        room.add_permits(length);
    }
    Ok(())
}
