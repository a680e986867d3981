//! [`Syslog`]: messages to a syslog daemon, here or elsewhere.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use narrows_log::Sink;

/// Where a syslog daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyslogAddress {
    /// A datagram socket of this machine.
    Local(PathBuf),
    /// `host:port`, TCP with a count before each message: RFC 6587, section 3.4.1.
    Tcp(Box<str>),
    /// `host:port`, a datagram for each message: RFC 5426.
    Udp(Box<str>),
}

/// Sends lines that [`Envelope::Syslog`](narrows_log::Envelope::Syslog) has made to a daemon.
///
/// The connection is made with the first line and again after each fault; a line that was not sent is
/// offered again. What a network or a daemon loses after it has taken it, nobody learns.
#[derive(Debug)]
pub struct Syslog {
    address: SyslogAddress,
    connection: Option<Connection>,
}

#[derive(Debug)]
enum Connection {
    #[cfg(unix)]
    Local(UnixDatagram),
    Tcp(TcpStream),
    Udp(UdpSocket),
}

// === impl Syslog ===

impl Syslog {
    /// Nothing is contacted yet.
    pub const fn new(address: SyslogAddress) -> Self {
        Self {
            address,
            connection: None,
        }
    }
}

impl Sink for Syslog {
    fn write_some(&mut self, lines: &[u8]) -> io::Result<usize> {
        let mut connection = match self.connection.take() {
            Some(connection) if connection.is_open() => connection,
            _ => Connection::new(&self.address)?,
        };
        let result = connection.send(lines);
        // After a fault nobody knows what the other side has: it gets a fresh start.
        if let Ok(sent) = &result
            && sent.whole
        {
            self.connection = Some(connection);
        }
        result.map(|sent| sent.octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Connects anew, as after a restart of the daemon.
    fn reopen(&mut self) -> io::Result<()> {
        self.connection = None;
        Ok(())
    }
}

/// What was sent.
struct Sent {
    /// Octets of lines that were sent, all of them whole.
    octets: usize,
    /// Whether nothing broke after them.
    whole: bool,
}

// === impl Connection ===

impl Connection {
    fn new(address: &SyslogAddress) -> io::Result<Self> {
        match address {
            #[cfg(unix)]
            SyslogAddress::Local(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                socket.set_write_timeout(Some(PATIENCE))?;
                Ok(Self::Local(socket))
            }
            #[cfg(not(unix))]
            SyslogAddress::Local(_) => Err(io::ErrorKind::Unsupported.into()),
            SyslogAddress::Tcp(address) => {
                let connect = |to| TcpStream::connect_timeout(&to, PATIENCE);
                let stream = each(address, connect)?;
                stream.set_write_timeout(Some(PATIENCE))?;
                stream.set_nodelay(true)?;
                Ok(Self::Tcp(stream))
            }
            SyslogAddress::Udp(address) => each(address, |to: SocketAddr| {
                let any: SocketAddr = match to {
                    SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
                    SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
                };
                let socket = UdpSocket::bind(any)?;
                socket.connect(to)?;
                Ok(Self::Udp(socket))
            }),
        }
    }

    /// Whether the other side is still there, as far as this one was told. A daemon that restarts closes
    /// its connections, and what is written into a closed one is lost.
    fn is_open(&self) -> bool {
        let Self::Tcp(stream) = self else {
            return true;
        };
        let mut stream = stream;
        if stream.set_nonblocking(true).is_err() {
            return false;
        }
        // Daemons say nothing; whatever they do say is thrown away.
        let read = stream.read(&mut [0; 64]);
        let quiet = matches!(&read, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        stream.set_nonblocking(false).is_ok() && (quiet || matches!(read, Ok(1..)))
    }

    /// Sends the first line as a datagram, or as many lines as go well in a stream.
    fn send(&mut self, lines: &[u8]) -> io::Result<Sent> {
        let line = lines.split_inclusive(|&byte| byte == b'\n').next();
        let line = line.unwrap_or_default();
        let message = line.strip_suffix(b"\n").unwrap_or(line);
        match self {
            #[cfg(unix)]
            Self::Local(socket) => socket.send(message)?,
            Self::Udp(socket) => socket.send(message)?,
            Self::Tcp(stream) => return send_counted(stream, lines),
        };
        Ok(Sent {
            octets: line.len(),
            whole: true,
        })
    }
}

/// Sends lines with a count before each. If the stream breaks, the lines before are sent and the others
/// are not; the beginning of a message that the daemon has got is not a message to it.
fn send_counted(stream: &mut impl io::Write, lines: &[u8]) -> io::Result<Sent> {
    let (mut frames, mut ends) = (Vec::with_capacity(CHUNK + 64), Vec::new());
    let mut octets = 0;
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        let message = line.strip_suffix(b"\n").unwrap_or(line);
        write!(frames, "{} ", message.len())?;
        frames.extend_from_slice(message);
        octets += line.len();
        ends.push((frames.len(), octets));
        if frames.len() >= CHUNK {
            break;
        }
    }
    let mut done = 0;
    while done < frames.len() {
        let error = match stream.write(&frames[done..]) {
            Ok(0) => io::ErrorKind::WriteZero.into(),
            Ok(written) => {
                done += written;
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => error,
        };
        return match ends.iter().rfind(|(end, _)| *end <= done) {
            Some(&(_, octets)) => Ok(Sent {
                octets,
                whole: false,
            }),
            None => Err(error),
        };
    }
    Ok(Sent {
        octets,
        whole: true,
    })
}

/// Tries the addresses of a host in turn.
fn each<T>(address: &str, mut on: impl FnMut(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for to in address.to_socket_addrs()? {
        match on(to) {
            Ok(value) => return Ok(value),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// How long a daemon may hold up the sink's thread at a time; lines wait in its buffer meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);
/// Octets of frames that are worth a system call of their own.
const CHUNK: usize = 32 << 10;

#[cfg(test)]
mod tests;
