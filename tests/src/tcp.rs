//! What the system's table of TCP connections (IPv4, Linux) tells of both ends of one: tests wait for what
//! another process's socket has come to, instead of for a time in which it should have.

use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::deadline;

/// Waits until the process that listens there has accepted this client and read all that it has sent.
///
/// # Panics
///
/// When it has not in time.
pub fn until_read(client: SocketAddr, server: SocketAddr) {
    deadline::until("the server reads what was sent", || {
        let table = table();
        let [ours, theirs] = [(client, server), (server, client)]
            .map(|(local, remote)| table.iter().find(|row| row.is_between(local, remote)));
        let read = ours?.to_send == 0 && theirs?.is_accepted && theirs?.to_read == 0;
        read.then_some(())
    });
}

/// Waits until the server's end of a connection is none any more: a reset has come.
///
/// # Panics
///
/// When none comes in time.
pub fn until_reset(client: SocketAddr, server: SocketAddr) {
    let is_there = || table().iter().any(|row| row.is_between(server, client));
    deadline::until("the server's end is reset", || {
        // A row may be passed over while others come and go.
        (!is_there() && !is_there()).then_some(())
    });
}

/// A listener whose queue is full: the system ignores who else wants to connect.
#[derive(Debug)]
pub struct BlackHole {
    /// Where it listens.
    pub address: SocketAddr,
    _listener: Socket,
    _queue: [TcpStream; 2],
}

impl BlackHole {
    /// Nobody accepts, and whoever connects from now on waits.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub fn new() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        listener.bind(&free.into()).expect("a free port");
        // The system holds one more than it is asked to.
        listener.listen(1).expect("bound");
        let address = listener.local_addr().expect("bound");
        let address = address.as_socket().expect("an IP address");
        let queue = [1, 2].map(|place| {
            let connected = TcpStream::connect(address).expect("there is room");
            deadline::until("the queue has it", || {
                let waiting = |row: &Row| row.is_listener(address) && row.to_read == place;
                table().iter().any(waiting).then_some(())
            });
            connected
        });
        Self {
            address,
            _listener: listener,
            _queue: queue,
        }
    }

    /// Waits until so many connections to it are being made, by whichever process.
    ///
    /// # Panics
    ///
    /// When there are more or fewer all the time.
    pub fn until_dials(&self, count: usize) {
        deadline::until(&format!("{count} dials"), || {
            let table = table();
            let dials = table.iter().filter(|row| row.dials(self.address));
            (dials.count() == count).then_some(())
        });
    }
}

impl Default for BlackHole {
    fn default() -> Self {
        Self::new()
    }
}

/// One socket. Addresses are as the table writes them.
#[derive(Debug)]
struct Row {
    local: String,
    remote: String,
    state: String,
    /// Octets that the peer has not acknowledged.
    to_send: u32,
    /// Octets that the process has not read; of a listener, connections that it has not accepted.
    to_read: u32,
    is_accepted: bool,
}

impl Row {
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace().skip(1).map(str::to_owned);
        let [local, remote, state, queues] = std::array::from_fn(|_| words.next());
        let queues = queues?;
        let (to_send, to_read) = queues.split_once(':')?;
        let inode = words.nth(4)?;
        Some(Self {
            local: local?,
            remote: remote?,
            state: state?,
            to_send: u32::from_str_radix(to_send, 16).ok()?,
            to_read: u32::from_str_radix(to_read, 16).ok()?,
            is_accepted: inode != "0",
        })
    }

    fn is_between(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        self.local == written(local) && self.remote == written(remote)
    }

    fn is_listener(&self, local: SocketAddr) -> bool {
        self.state == LISTEN && self.local == written(local)
    }

    fn dials(&self, remote: SocketAddr) -> bool {
        self.state == SYN_SENT && self.remote == written(remote)
    }
}

/// States as the table writes them.
const SYN_SENT: &str = "02";
const LISTEN: &str = "0A";

fn table() -> Vec<Row> {
    let text = std::fs::read_to_string("/proc/self/net/tcp").expect("the system tells");
    text.lines().filter_map(Row::read).collect()
}

/// The address in the machine's order of octets, as the table has it.
fn written(address: SocketAddr) -> String {
    let SocketAddr::V4(address) = address else {
        panic!("{address} is not in this table");
    };
    let ip = u32::from_ne_bytes(address.ip().octets());
    format!("{ip:08X}:{:04X}", address.port())
}
