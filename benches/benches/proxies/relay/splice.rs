//! What the kernel can do: one thread, epoll, and pages that are moved instead of copied.
//!
//! A direction has a pipe only while there are bytes in it.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::epoll::EventFlags;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

use crate::Failure;
use crate::sockets::{self, Epoll, unless_waiting};

/// Octets that a pipe holds: as many as an unprivileged process may ask for.
const PIPE: usize = 1 << 20;
/// Moves before the others have their turn.
const TURN: usize = 8;
/// Pipes that are kept for the next direction that needs one.
const POOL: usize = 256;
const LISTENER: usize = usize::MAX;

pub(super) fn run() -> Result<(), Failure> {
    let listener = sockets::listen(super::LOOPBACK)?;
    super::say(&format!("listening on {}", listener.local_addr()?));
    let mut relay = Relay {
        epoll: Epoll::new()?,
        connections: Vec::new(),
        free: Vec::new(),
        waiting: VecDeque::new(),
        pool: Vec::new(),
    };
    relay.epoll.add(&listener, LISTENER, EventFlags::IN)?;
    loop {
        relay.turn(&listener)?;
    }
}

struct Relay {
    epoll: Epoll,
    connections: Vec<Connection>,
    /// Places that are empty.
    free: Vec<usize>,
    /// Directions that have more to do: place and side.
    waiting: VecDeque<(usize, usize)>,
    pool: Vec<Pipe>,
}

#[derive(Default)]
enum Connection {
    #[default]
    Gone,
    /// A client that has not said everything yet.
    Asking(TcpStream, Vec<u8>),
    Open(Box<Tunnel>),
}

struct Tunnel {
    /// Client and target.
    ends: [TcpStream; 2],
    /// From the end of the same index to the other.
    ways: [Way; 2],
}

#[derive(Default)]
struct Way {
    pipe: Option<Pipe>,
    /// Octets in the pipe.
    held: usize,
    ended: bool,
    done: bool,
    /// It has its turn without being called.
    waiting: bool,
}

struct Pipe {
    out: OwnedFd,
    into: OwnedFd,
}

impl Relay {
    fn turn(&mut self, listener: &TcpListener) -> io::Result<()> {
        let pause = if self.waiting.is_empty() {
            Duration::from_secs(3600)
        } else {
            Duration::ZERO
        };
        for (key, flags) in self.epoll.wait(pause)? {
            if key == LISTENER {
                while let Some((client, _)) = unless_waiting(listener.accept())? {
                    self.accept(client)?;
                }
                continue;
            }
            let (place, side) = (key / 2, key % 2);
            if matches!(self.connections[place], Connection::Asking(..)) {
                self.ask(place);
                continue;
            }
            // An end that can be read moves its own direction, one that can be written the other.
            if flags
                .intersects(EventFlags::IN | EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR)
            {
                self.carry(place, side);
            }
            if flags.intersects(EventFlags::OUT | EventFlags::ERR) {
                self.carry(place, 1 - side);
            }
        }
        for _ in 0..self.waiting.len() {
            if let Some((place, side)) = self.waiting.pop_front() {
                if let Connection::Open(tunnel) = &mut self.connections[place] {
                    tunnel.ways[side].waiting = false;
                }
                self.carry(place, side);
            }
        }
        Ok(())
    }

    fn accept(&mut self, client: TcpStream) -> io::Result<()> {
        sockets::prepare(&client)?;
        let place = self.free.pop().unwrap_or_else(|| {
            self.connections.push(Connection::Gone);
            self.connections.len() - 1
        });
        self.epoll.add(&client, 2 * place, both_ways())?;
        self.connections[place] = Connection::Asking(client, Vec::new());
        self.ask(place);
        Ok(())
    }

    /// Reads a head, and opens the tunnel when that is all there.
    fn ask(&mut self, place: usize) {
        let Connection::Asking(client, mut head) = std::mem::take(&mut self.connections[place])
        else {
            return;
        };
        match self.establish(place, client, &mut head) {
            Ok(Ok(tunnel)) => {
                self.connections[place] = Connection::Open(Box::new(tunnel));
                self.carry(place, 0);
                self.carry(place, 1);
            }
            Ok(Err(client)) => self.connections[place] = Connection::Asking(client, head),
            Err(_) => self.free.push(place),
        }
    }

    /// A tunnel, or the client that has to say more.
    fn establish(
        &self,
        place: usize,
        mut client: TcpStream,
        head: &mut Vec<u8>,
    ) -> Result<Result<Tunnel, TcpStream>, Failure> {
        let mut piece = [0; super::LONGEST_HEAD];
        match unless_waiting(client.read(&mut piece))? {
            None => return Ok(Err(client)),
            Some(0) => return Err("it left".into()),
            Some(read) => head.extend_from_slice(&piece[..read]),
        }
        let Some((target, end)) = super::parse(head)? else {
            return Ok(Err(client));
        };
        // On loopback this takes as long as the system call.
        let Ok(mut server) = TcpStream::connect(target) else {
            client.write_all(super::REFUSED)?;
            return Err("refused".into());
        };
        sockets::prepare(&server)?;
        client.write_all(super::OPEN)?;
        server.write_all(&head[end..])?;
        self.epoll.add(&server, 2 * place + 1, both_ways())?;
        Ok(Ok(Tunnel {
            ends: [client, server],
            ways: Default::default(),
        }))
    }

    /// Moves what one direction has, for a turn.
    fn carry(&mut self, place: usize, side: usize) {
        let Connection::Open(tunnel) = &mut self.connections[place] else {
            return;
        };
        if tunnel.ways[side].waiting {
            return;
        }
        match tunnel.carry(side, &mut self.pool) {
            Ok(true) => {
                tunnel.ways[side].waiting = true;
                self.waiting.push_back((place, side));
            }
            Ok(_) if tunnel.ways.iter().any(|way| !way.done) => {}
            _ => {
                self.connections[place] = Connection::Gone;
                self.free.push(place);
            }
        }
    }
}

impl Tunnel {
    /// Whether there is more to move.
    fn carry(&mut self, side: usize, pool: &mut Vec<Pipe>) -> io::Result<bool> {
        let [from, to] = [&self.ends[side], &self.ends[1 - side]];
        let way = &mut self.ways[side];
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        for _ in 0..2 * TURN {
            if way.done {
                return Ok(false);
            }
            if way.ended && way.held == 0 {
                way.done = true;
                to.shutdown(Shutdown::Write)?;
                return Ok(false);
            }
            let pipe = match way.pipe.take().or_else(|| pool.pop()) {
                Some(pipe) => way.pipe.insert(pipe),
                None => way.pipe.insert(Pipe::new()?),
            };
            let moved = if way.held > 0 {
                splice(&pipe.out, None, to, None, way.held, flags)
            } else {
                splice(from, None, &pipe.into, None, PIPE, flags)
            };
            match (unless_waiting(moved.map_err(io::Error::from))?, way.held) {
                (None, held) => {
                    if held == 0 {
                        way.give_back(pool);
                    }
                    return Ok(false);
                }
                (Some(moved), held @ 1..) => way.held = held - moved,
                (Some(0), 0) => {
                    way.ended = true;
                    way.give_back(pool);
                }
                (Some(moved), 0) => way.held = moved,
            }
        }
        Ok(true)
    }
}

impl Way {
    fn give_back(&mut self, pool: &mut Vec<Pipe>) {
        if let Some(pipe) = self.pipe.take()
            && pool.len() < POOL
        {
            pool.push(pipe);
        }
    }
}

impl Pipe {
    fn new() -> io::Result<Self> {
        let (out, into) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // A user who has used up what all pipes may hold gets a small one.
        let _ = fcntl_setpipe_size(&into, PIPE);
        Ok(Self { out, into })
    }
}

fn both_ways() -> EventFlags {
    EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET
}
