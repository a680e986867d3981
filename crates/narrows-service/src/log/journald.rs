//! [`Journald`]: entries to the journal, in its native protocol.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use narrows_log::Sink;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

/// Sends lines that [`Envelope::Journal`](narrows_log::Envelope::Journal) has made to journald: a datagram
/// for each, or a sealed memory file for one that is larger than the socket takes.
///
/// The connection is made with the first line and again after each fault; a line that was not sent is
/// offered again.
#[derive(Debug)]
pub struct Journald {
    path: PathBuf,
    socket: Option<UnixDatagram>,
    /// One entry, kept for its room.
    entry: Vec<u8>,
}

// === impl Journald ===

impl Journald {
    /// Nothing is contacted yet.
    pub const fn new(path: PathBuf) -> Self {
        Self {
            path,
            socket: None,
            entry: Vec::new(),
        }
    }

    fn connected(&mut self) -> io::Result<UnixDatagram> {
        if let Some(socket) = self.socket.take() {
            return Ok(socket);
        }
        let socket = UnixDatagram::unbound()?;
        socket.connect(&self.path)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(socket)
    }
}

impl Sink for Journald {
    fn write_some(&mut self, lines: &[u8]) -> io::Result<usize> {
        let line = lines.split_inclusive(|&byte| byte == b'\n').next();
        let line = line.unwrap_or_default();
        self.entry.clear();
        // One field a line: no value has a line feed, and none the separator.
        let fields = line.iter().map(|&byte| match byte {
            SEPARATOR => b'\n',
            byte => byte,
        });
        self.entry.extend(fields);
        let socket = self.connected()?;
        send(&socket, &self.entry)?;
        self.socket = Some(socket);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Connects anew, as after a restart of journald.
    fn reopen(&mut self) -> io::Result<()> {
        self.socket = None;
        Ok(())
    }
}

fn send(socket: &UnixDatagram, entry: &[u8]) -> io::Result<()> {
    match socket.send(entry) {
        Ok(_) => Ok(()),
        Err(error) if error.raw_os_error() == Some(TOO_LARGE) => send_file(socket, entry),
        Err(error) => Err(error),
    }
}

/// What does not fit into a datagram goes as a file that cannot change any more.
fn send_file(socket: &UnixDatagram, entry: &[u8]) -> io::Result<()> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = std::fs::File::from(memfd_create("narrows-log", flags)?);
    io::Write::write_all(&mut file, entry)?;
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
    fcntl_add_seals(&file, seals)?;
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = [file.as_fd()];
    control.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(socket, &[], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// What [`Envelope::Journal`](narrows_log::Envelope::Journal) puts between fields.
const SEPARATOR: u8 = 0x1f;
/// `EMSGSIZE`
const TOO_LARGE: i32 = rustix::io::Errno::MSGSIZE.raw_os_error();
/// How long journald may hold up the sink's thread at a time; lines wait in its buffer meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
