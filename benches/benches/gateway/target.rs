//! The target: sends, swallows or echoes what it is asked to.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::sockets::{listen, prepare};

/// Octets written or read at once.
const CHUNK: usize = 256 * 1024;

/// What a client may ask for: one octet that says it, and a number of octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// One octet back.
    Echo,
    /// So many octets from the target.
    Down(u64),
    /// So many octets to the target, which answers with one.
    Up(u64),
}

/// Starts the target; it lives as long as the program.
pub(crate) async fn start() -> io::Result<SocketAddr> {
    let (listener, address) = listen().await?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that leaves is no failure of the target.
            tokio::spawn(async move { drop(serve(stream).await) });
        }
    });
    Ok(address)
}

/// Asks, and carries out the client's part; the answer is complete then.
pub(crate) async fn ask(stream: &mut TcpStream, ask: Ask) -> io::Result<()> {
    let (word, length) = match ask {
        Ask::Echo => (b'e', 0),
        Ask::Down(length) => (b'd', length),
        Ask::Up(length) => (b'u', length),
    };
    let mut head = vec![word];
    head.extend_from_slice(&length.to_be_bytes());
    stream.write_all(&head).await?;
    match ask {
        Ask::Echo => drop(stream.read_u8().await?),
        Ask::Down(length) => swallow(stream, length).await?,
        Ask::Up(length) => {
            pour(stream, length).await?;
            stream.read_u8().await?;
        }
    }
    Ok(())
}

async fn serve(mut stream: TcpStream) -> io::Result<()> {
    prepare(&stream)?;
    loop {
        let word = stream.read_u8().await?;
        let length = stream.read_u64().await?;
        match word {
            b'd' => pour(&mut stream, length).await?,
            b'u' => {
                swallow(&mut stream, length).await?;
                stream.write_u8(word).await?;
            }
            _ => stream.write_u8(word).await?,
        }
    }
}

async fn pour(stream: &mut TcpStream, length: u64) -> io::Result<()> {
    let chunk = vec![0x5a; CHUNK];
    let mut left = length;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        stream.write_all(&chunk[..now]).await?;
        left -= now as u64;
    }
    Ok(())
}

async fn swallow(stream: &mut TcpStream, length: u64) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let mut left = length;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        match stream.read(&mut chunk[..most]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => left -= read as u64,
        }
    }
    Ok(())
}
