//! Scripted peers: a connection that says exactly these octets, splits them there, and ends like that.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::SockRef;

use crate::deadline::PATIENCE;

/// One end of a TCP connection. Every read has [`PATIENCE`], or what [`Raw::set_patience`] says.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    /// The system tells of an RST once: who was told already sees a mere end of file next.
    was_reset: bool,
}

/// How a peer ended its sending side, and what had arrived before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// FIN.
    Eof(Vec<u8>),
    /// RST.
    Reset(Vec<u8>),
}

/// A message head, up to and including its blank line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head(String);

/// A listener that runs a script on every connection it takes.
#[derive(Debug)]
pub struct Peer {
    /// Where it listens.
    pub address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

/// A listener that takes one connection, runs a script on it and keeps what the script gives.
#[derive(Debug)]
pub struct Once<T> {
    /// Where it listens.
    pub address: SocketAddr,
    thread: JoinHandle<T>,
}

// === impl Raw ===

impl Raw {
    /// Connects.
    ///
    /// # Panics
    ///
    /// When nobody listens there.
    pub fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).expect("somebody listens"))
    }

    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a socket option");
        let raw = Self {
            stream,
            was_reset: false,
        };
        raw.set_patience(PATIENCE);
        raw
    }

    /// How long a read or a write may take from now on.
    ///
    /// # Panics
    ///
    /// When that is no time at all.
    pub fn set_patience(&self, patience: Duration) {
        self.stream
            .set_read_timeout(Some(patience))
            .expect("a socket option");
        self.stream
            .set_write_timeout(Some(patience))
            .expect("a socket option");
    }

    /// This end's address.
    ///
    /// # Panics
    ///
    /// Never: the connection is open.
    pub fn address(&self) -> SocketAddr {
        self.stream.local_addr().expect("connected")
    }

    /// Sends everything.
    ///
    /// # Panics
    ///
    /// When the connection is gone.
    pub fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.stream
            .write_all(octets.as_ref())
            .expect("the peer still reads");
    }

    /// Sends everything if the peer still reads; it may have hung up, which is for the test to judge.
    pub fn try_send(&mut self, octets: impl AsRef<[u8]>) -> io::Result<()> {
        let sent = self.stream.write_all(octets.as_ref());
        self.heard(sent.as_ref().err());
        sent
    }

    /// Sends one octet at a time, each as a segment of its own as far as the system allows.
    ///
    /// # Panics
    ///
    /// When the connection is gone.
    pub fn send_split(&mut self, octets: impl AsRef<[u8]>) {
        for octet in octets.as_ref() {
            self.send([*octet]);
            std::thread::yield_now();
        }
    }

    /// Reads a head, and not one octet more.
    ///
    /// # Panics
    ///
    /// When the peer ends or is silent before the head is complete.
    pub fn head(&mut self) -> Head {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            let read = self.stream.read(&mut octet);
            let so_far = String::from_utf8_lossy(&head);
            match read {
                Ok(1) => head.push(octet[0]),
                end => panic!("{end:?} after {so_far:?} instead of a head"),
            }
        }
        Head(String::from_utf8(head).expect("a head is text"))
    }

    /// Reads exactly `length` octets.
    ///
    /// # Panics
    ///
    /// When fewer come.
    pub fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut octets = vec![0; length];
        self.stream.read_exact(&mut octets).expect("more octets");
        octets
    }

    /// Reads until the peer ends its sending side.
    ///
    /// # Panics
    ///
    /// When the peer is silent for [`PATIENCE`].
    pub fn end(&mut self) -> End {
        let mut octets = Vec::new();
        let mut buffer = [0; 65_536];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) if self.was_reset => return End::Reset(octets),
                Ok(0) => return End::Eof(octets),
                Ok(length) => octets.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return End::Reset(octets);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&octets)),
            }
        }
    }

    /// Sends back what comes next, and says how much that was; 0 at the end.
    ///
    /// # Errors
    ///
    /// The connection is gone.
    pub fn echo(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 65_536];
        let count = self.stream.read(&mut buffer)?;
        self.stream.write_all(&buffer[..count])?;
        Ok(count)
    }

    /// Whether nothing has arrived within `patience`, neither octets nor an end.
    ///
    /// # Panics
    ///
    /// On socket options that do not exist.
    pub fn is_silent_for(&mut self, patience: Duration) -> bool {
        let before = self.stream.read_timeout().expect("a socket option");
        self.stream
            .set_read_timeout(Some(patience))
            .expect("a socket option");
        let read = self.stream.peek(&mut [0]);
        self.stream
            .set_read_timeout(before)
            .expect("a socket option");
        self.heard(read.as_ref().err());
        read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    /// Ends the sending side (FIN) and goes on reading.
    ///
    /// # Panics
    ///
    /// When the connection is gone.
    pub fn finish(&mut self) {
        self.stream
            .shutdown(Shutdown::Write)
            .expect("still connected");
    }

    /// Ends the connection with RST.
    ///
    /// # Panics
    ///
    /// On socket options that do not exist.
    pub fn reset(self) {
        SockRef::from(&self.stream)
            .set_linger(Some(Duration::ZERO))
            .expect("a socket option");
    }

    fn heard(&mut self, error: Option<&io::Error>) {
        self.was_reset |= error.is_some_and(|error| error.kind() == ErrorKind::ConnectionReset);
    }

    /// The socket, for programs that want one.
    pub fn into_inner(self) -> TcpStream {
        self.stream
    }
}

// === impl End ===

impl End {
    /// What had arrived, as text.
    pub fn text(&self) -> String {
        let (Self::Eof(octets) | Self::Reset(octets)) = self;
        String::from_utf8_lossy(octets).into_owned()
    }
}

// === impl Head ===

impl Head {
    /// A head and what follows it.
    ///
    /// # Panics
    ///
    /// When there is no blank line.
    pub fn split(text: &str) -> (Self, &str) {
        let end = text
            .find("\r\n\r\n")
            .unwrap_or_else(|| panic!("no head in {text:?}"))
            + 4;
        (Self(text[..end].to_owned()), &text[end..])
    }

    /// The first line.
    pub fn first_line(&self) -> &str {
        self.0.lines().next().unwrap_or_default()
    }

    /// The status of a response; 0 if it is none.
    pub fn status(&self) -> u16 {
        let word = self.first_line().split(' ').nth(1).unwrap_or_default();
        word.parse().unwrap_or(0)
    }

    /// The value of the first field of that name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The whole head.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// === impl Peer ===

impl Peer {
    /// Runs `script` on each connection, on a thread of its own.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub fn start(script: impl Fn(Raw) + Send + Sync + 'static) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), script)
    }

    /// The same at this address.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub fn start_at(address: IpAddr, script: impl Fn(Raw) + Send + Sync + 'static) -> Self {
        Self::start_on((address, 0).into(), script)
    }

    /// The same at this address and port.
    ///
    /// # Panics
    ///
    /// When it is taken.
    pub fn start_on(address: SocketAddr, script: impl Fn(Raw) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        let script = Arc::new(script);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                counter.fetch_add(1, Ordering::SeqCst);
                let script = Arc::clone(&script);
                std::thread::spawn(move || script(Raw::new(stream)));
            }
        });
        Self { address, accepted }
    }

    /// Connections taken so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// The peer as the value of `--proxy`.
    pub fn proxy_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

// === impl Once ===

impl<T: Send + 'static> Once<T> {
    /// Runs `script` on the first connection.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub fn start(script: impl FnOnce(Raw) -> T + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let thread = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a connection");
            drop(listener);
            script(Raw::new(stream))
        });
        Self { address, thread }
    }

    /// What the script gave.
    ///
    /// # Panics
    ///
    /// As the script did.
    pub fn join(self) -> T {
        self.thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// The peer as the value of `--proxy`.
    pub fn proxy_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A port of loopback where nobody listens: it was free a moment ago.
///
/// # Panics
///
/// When there is no free port.
pub fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_that_a_write_was_told_of_is_no_end_of_file() {
        let peer = Peer::start(Raw::reset);
        let mut client = Raw::connect(peer.address);
        while client.try_send("x").is_ok() {}
        assert_eq!(client.end(), End::Reset(Vec::new()));
    }
}
