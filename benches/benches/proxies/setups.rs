//! Tunnels opened, used for one message each way and closed, as fast as they go.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::epoll::EventFlags;

use crate::Failure;
use crate::bed::Bed;
use crate::peers::Running;
use crate::sockets::{self, Epoll, unless_waiting};
use crate::tunnel::{OPEN, request, status};

/// Octets of a message; it begins with the tunnel's number.
const MESSAGE: usize = 32;
/// Keys of listeners, above those of all connections.
const LISTENERS: usize = usize::MAX / 2;
/// One failed tunnel in so many says more of the load than of the proxy.
const TOLERATED: usize = 100;

/// Tunnels for each second of the proxy's processor.
pub(crate) fn rate(
    proxy: &Running,
    bed: &Bed,
    at_a_time: usize,
    span: Duration,
) -> Result<f64, Failure> {
    let mut load = Load::new(proxy, bed)?;
    load.run(at_a_time, span / 5)?;
    let (done, before) = (load.done, proxy.process.processor());
    load.run(at_a_time, span)?;
    let (done, used) = (load.done - done, proxy.process.processor() - before);
    let trouble = load.trouble.take();
    let failed = load.failed;
    drop(load);
    bed.clear()?;
    match trouble {
        Some(trouble) if failed * TOLERATED > done => {
            Err(format!("{failed} set-ups failed and {done} did not: {trouble}").into())
        }
        _ if used.is_zero() => Err("too short to be measured".into()),
        _ => Ok(done as f64 / used.as_secs_f64()),
    }
}

struct Load<'a> {
    proxy: &'a Running,
    bed: &'a Bed,
    epoll: Epoll,
    parties: Vec<Option<Party>>,
    free: Vec<usize>,
    /// Tunnels begun.
    begun: usize,
    done: usize,
    failed: usize,
    trouble: Option<String>,
}

/// One end of a tunnel.
struct Party {
    stream: TcpStream,
    stage: Stage,
    number: usize,
    seen: usize,
    buffer: [u8; 1024],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A client, whose connection may still be on its way.
    Dialling,
    /// A client that has asked.
    Asking,
    /// A client in an open tunnel.
    Waiting,
    /// A target, before the message.
    Listening,
    /// A target that has answered.
    Leaving,
}

impl<'a> Load<'a> {
    fn new(proxy: &'a Running, bed: &'a Bed) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        for (at, listener) in bed.listeners().enumerate() {
            epoll.add(listener, LISTENERS + at, EventFlags::IN)?;
        }
        Ok(Self {
            proxy,
            bed,
            epoll,
            parties: Vec::new(),
            free: Vec::new(),
            begun: 0,
            done: 0,
            failed: 0,
            trouble: None,
        })
    }

    fn run(&mut self, at_a_time: usize, span: Duration) -> io::Result<()> {
        let start = Instant::now();
        while start.elapsed() < span {
            while self.begun - self.done - self.failed < at_a_time {
                self.begun += 1;
                let stream = sockets::connect(self.proxy.entry)?;
                self.enter(stream, Stage::Dialling)?;
            }
            for (key, _) in self.epoll.wait(Duration::from_millis(50))? {
                let Some(listener) = key.checked_sub(LISTENERS) else {
                    self.advance(key);
                    continue;
                };
                let listener = self.bed.listeners().nth(listener);
                while let Some(listener) = listener
                    && let Some((stream, _)) = unless_waiting(listener.accept())?
                {
                    sockets::prepare(&stream)?;
                    self.enter(stream, Stage::Listening)?;
                }
            }
        }
        Ok(())
    }

    fn enter(&mut self, stream: TcpStream, stage: Stage) -> io::Result<()> {
        let place = self.free.pop().unwrap_or_else(|| {
            self.parties.push(None);
            self.parties.len() - 1
        });
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        self.epoll.add(&stream, place, flags)?;
        self.parties[place] = Some(Party {
            stream,
            stage,
            number: self.begun,
            seen: 0,
            buffer: [0; 1024],
        });
        self.advance(place);
        Ok(())
    }

    fn advance(&mut self, place: usize) {
        // An event of a connection that has been closed since it happened finds nothing, or another one
        // that has nothing to read.
        let Some(party) = &mut self.parties[place] else {
            return;
        };
        let outcome = party.advance(self.bed);
        if matches!(outcome, Ok(false)) {
            return;
        }
        if !matches!(party.stage, Stage::Listening | Stage::Leaving) {
            match outcome {
                Ok(_) => self.done += 1,
                Err(error) => {
                    self.failed += 1;
                    self.trouble
                        .get_or_insert_with(|| format!("{:?}: {error}", party.stage));
                }
            }
        }
        self.parties[place] = None;
        self.free.push(place);
    }
}

impl Party {
    /// Does what can be done; whether that was the last.
    fn advance(&mut self, bed: &Bed) -> Result<bool, Failure> {
        if self.stage == Stage::Dialling {
            let request = request(bed.target(self.number));
            match unless_waiting(self.stream.write(request.as_bytes()))? {
                None => return Ok(false),
                Some(_) => self.stage = Stage::Asking,
            }
        }
        loop {
            let read = self.stream.read(&mut self.buffer[self.seen..]);
            match unless_waiting(read)? {
                None => return Ok(false),
                Some(0) if self.stage == Stage::Leaving => return Ok(true),
                Some(0) => return Err("closed".into()),
                Some(read) => self.seen += read,
            }
            match self.stage {
                Stage::Asking => {
                    if let Some(head) = self.take_head() {
                        if status(&head) != Some("200") {
                            return Err(format!("answered {:?}", status(&head)).into());
                        }
                        self.stream.write_all(&message(self.number))?;
                        self.stage = Stage::Waiting;
                    }
                }
                Stage::Waiting if self.seen >= MESSAGE => {
                    return if self.buffer[..MESSAGE] == message(self.number) {
                        Ok(true)
                    } else {
                        Err("another message came back".into())
                    };
                }
                Stage::Listening => {
                    if self.buffer.starts_with(b"CONNECT ") && self.take_head().is_some() {
                        self.stream.write_all(OPEN)?;
                    }
                    if !self.buffer.starts_with(b"CONNECT ") && self.seen >= MESSAGE {
                        self.stream.write_all(&self.buffer[..MESSAGE])?;
                        self.stage = Stage::Leaving;
                        self.seen = 0;
                    }
                }
                _ => {}
            }
        }
    }

    /// A head that is there in full; what follows it stays.
    fn take_head(&mut self) -> Option<Vec<u8>> {
        let seen = &self.buffer[..self.seen];
        let end = seen.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = seen[..end].to_vec();
        self.buffer.copy_within(end..self.seen, 0);
        self.seen -= end;
        self.buffer[self.seen..].fill(0);
        Some(head)
    }
}

fn message(number: usize) -> [u8; MESSAGE] {
    let mut message = [b'm'; MESSAGE];
    message[..8].copy_from_slice(&number.to_be_bytes());
    message
}
