//! A tunnel of which this program holds both ends.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::bed::Bed;
use crate::peers::Running;

/// How long anything on loopback may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// What a target says to a CONNECT that was passed on to it.
pub(crate) const OPEN: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

/// Both ends block, but not for ever.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(crate) client: TcpStream,
    pub(crate) target: TcpStream,
}

impl Tunnel {
    /// Opens one through a proxy, or a connection without one, to the target that has this turn.
    pub(crate) fn open(proxy: Option<&Running>, bed: &Bed, turn: usize) -> Result<Self, Failure> {
        Self::open_with(proxy, bed, turn, &[])
    }

    /// Likewise, with octets that the client sends together with its CONNECT.
    pub(crate) fn open_with(
        proxy: Option<&Running>,
        bed: &Bed,
        turn: usize,
        early: &[u8],
    ) -> Result<Self, Failure> {
        let address = bed.target(turn);
        let deadline = Instant::now() + PATIENCE;
        let mut client = TcpStream::connect(proxy.map_or(address, |proxy| proxy.entry))?;
        client.set_nodelay(true)?;
        limit(&client, PATIENCE)?;
        let Some(proxy) = proxy else {
            let target = bed.accept(turn, deadline)?;
            limit(&target, PATIENCE)?;
            return Ok(Self { client, target });
        };
        let mut request = request(address).into_bytes();
        request.extend_from_slice(early);
        client.write_all(&request)?;
        let mut target = None;
        if proxy.passes_connect {
            let mut accepted = bed.accept(turn, deadline)?;
            limit(&accepted, PATIENCE)?;
            read_head(&mut accepted)?;
            accepted.write_all(OPEN)?;
            target = Some(accepted);
        }
        let head = read_head(&mut client)?;
        if status(&head) != Some("200") {
            return Err(format!("answered {:?}", status(&head).unwrap_or("nothing")).into());
        }
        let target = target.map_or_else(|| bed.accept(turn, deadline), Ok)?;
        limit(&target, PATIENCE)?;
        Ok(Self { client, target })
    }

    /// How long a read may wait.
    pub(crate) fn limit(&self, patience: Duration) -> io::Result<()> {
        limit(&self.client, patience)?;
        limit(&self.target, patience)
    }

    /// Moves these octets from the client to the target and back.
    ///
    /// # Errors
    ///
    /// Also when others arrive.
    pub(crate) fn exchange(&mut self, octets: &[u8]) -> Result<(), Failure> {
        carry(&mut self.client, &mut self.target, octets)?;
        carry(&mut self.target, &mut self.client, octets)
    }

    /// From now on neither end blocks.
    pub(crate) fn unblock(&self) -> io::Result<()> {
        self.client.set_nonblocking(true)?;
        self.target.set_nonblocking(true)
    }
}

/// The head that asks for this target.
pub(crate) fn request(target: SocketAddr) -> String {
    format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: proxies\r\n\r\n")
}

/// The status of a response head, if that is one.
pub(crate) fn status(head: &[u8]) -> Option<&str> {
    let rest = head.strip_prefix(b"HTTP/1.")?;
    std::str::from_utf8(rest.get(2..5)?).ok()
}

pub(crate) fn carry(
    from: &mut TcpStream,
    to: &mut TcpStream,
    octets: &[u8],
) -> Result<(), Failure> {
    from.write_all(octets)?;
    let mut arrived = vec![0; octets.len()];
    to.read_exact(&mut arrived)?;
    if arrived == octets {
        Ok(())
    } else {
        Err("other octets arrived than were sent".into())
    }
}

/// One octet at a time, so that nothing behind the head is taken.
fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(256);
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut octet)?;
        head.extend_from_slice(&octet);
    }
    Ok(head)
}

fn limit(stream: &TcpStream, patience: Duration) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(patience))?;
    stream.set_read_timeout(Some(patience))
}
