//! What tokio can do: one thread, one task a tunnel, one buffer for all of them.

use std::cell::RefCell;
use std::io;

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::{Failure, sockets};

/// Octets that are copied at once.
const CHUNK: usize = 64 * 1024;
/// Chunks before the others have their turn.
const TURN: usize = 8;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run() -> Result<(), Failure> {
    let listener = TcpListener::from_std(sockets::listen(super::LOOPBACK)?)?;
    super::say(&format!("listening on {}", listener.local_addr()?));
    loop {
        let (client, _) = listener.accept().await?;
        tokio::spawn(async move {
            // A tunnel that fails is closed, and its client sees that.
            let _ = serve(client).await;
        });
    }
}

async fn serve(mut client: TcpStream) -> Result<(), Failure> {
    let (target, early) = {
        let mut head = Vec::with_capacity(512);
        loop {
            if client.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
            if let Some((target, end)) = super::parse(&head)? {
                break (target, head.split_off(end));
            }
        }
    };
    let connection = sockets::connect(target).and_then(TcpStream::from_std);
    let Ok(mut server) = connection else {
        client.write_all(super::REFUSED).await?;
        return Ok(());
    };
    server.writable().await?;
    if server.take_error()?.is_some() {
        client.write_all(super::REFUSED).await?;
        return Ok(());
    }
    client.set_nodelay(true)?;
    client.write_all(super::OPEN).await?;
    server.write_all(&early).await?;
    drop(early);
    // An error in one direction ends both; an end does not.
    tokio::try_join!(carry(&client, &server), carry(&server, &client))?;
    Ok(())
}

/// Moves one direction to its end, which it passes on.
async fn carry(from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    loop {
        from.readable().await?;
        match turn(from, to)? {
            Outcome::Waiting => {}
            Outcome::More => tokio::task::yield_now().await,
            Outcome::Left(rest) => finish(&rest, to).await?,
            Outcome::End => return SockRef::from(to).shutdown(std::net::Shutdown::Write),
        }
    }
}

/// How one turn ended.
enum Outcome {
    End,
    /// The receiver takes no more, and this is left.
    Left(Vec<u8>),
    More,
    Waiting,
}

fn turn(from: &TcpStream, to: &TcpStream) -> io::Result<Outcome> {
    BUFFER.with_borrow_mut(|buffer| {
        for _ in 0..TURN {
            let read = match sockets::unless_waiting(from.try_read(buffer))? {
                None => return Ok(Outcome::Waiting),
                Some(0) => return Ok(Outcome::End),
                Some(read) => read,
            };
            let mut rest = &buffer[..read];
            while !rest.is_empty() {
                match sockets::unless_waiting(to.try_write(rest))? {
                    None => return Ok(Outcome::Left(rest.to_vec())),
                    Some(written) => rest = &rest[written..],
                }
            }
        }
        Ok(Outcome::More)
    })
}

async fn finish(mut rest: &[u8], to: &TcpStream) -> io::Result<()> {
    while !rest.is_empty() {
        to.writable().await?;
        if let Some(written) = sockets::unless_waiting(to.try_write(rest))? {
            rest = &rest[written..];
        }
    }
    Ok(())
}
