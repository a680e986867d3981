//! [`Tail`]: the lines that are appended to a file, also when it is rotated.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

/// The lines that are appended to the file of a name.
///
/// What has begun and has no line end yet waits for it. When the name belongs to another file, the old one
/// is read to its end first; when the file became shorter, it is read from its start.
#[derive(Debug)]
pub(super) struct Tail {
    begun: Vec<u8>,
    file: Option<Open>,
    path: PathBuf,
    /// That the file is missing was said.
    said: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    identity: Identity,
    read: u64,
}

/// What a file stays when it is renamed.
type Identity = (u64, u64);

/// What a person should know.
#[derive(Debug)]
pub(super) enum News {
    /// The name belongs to another file than before.
    Back,
    /// There is no file of that name.
    Gone(io::Error),
    /// The same file has less in it than before.
    Shorter,
}

impl Tail {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self {
            begun: Vec::new(),
            file: None,
            path,
            said: false,
        }
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Reads the end of what is there already.
    ///
    /// # Errors
    ///
    /// The file is there and cannot be read.
    pub(super) fn start(&mut self, on: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut open = match open(&self.path) {
            Ok(open) => open,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let size = open.file.metadata()?.len();
        open.read = size.saturating_sub(HISTORY);
        open.file.seek(SeekFrom::Start(open.read))?;
        let whole = open.read == 0;
        self.file = Some(open);
        // In the middle of a file, the first line is the end of one.
        let mut first = !whole;
        self.read(&mut |line| {
            if !std::mem::take(&mut first) {
                on(line);
            }
        })
    }

    /// Reads what was appended since.
    pub(super) fn look(&mut self, on: &mut dyn FnMut(&[u8])) -> Option<News> {
        if self.file.is_none() {
            return self.find(on);
        }
        if let Err(error) = self.read(on) {
            return self.lost(error);
        }
        let open = self.file.as_ref()?;
        let now = std::fs::metadata(&self.path);
        if now.as_ref().is_ok_and(|now| identity(now) == open.identity) {
            let shorter = now.is_ok_and(|now| now.len() < open.read);
            return shorter.then(|| self.rewind(on)).flatten();
        }
        // Whoever writes goes on in the old file until it has opened the new one: while there is none,
        // the old one is it.
        now.ok()?;
        if let Err(error) = self.read(on) {
            return self.lost(error);
        }
        self.end_line(on);
        self.file = None;
        self.find(on).or(Some(News::Back))
    }

    fn find(&mut self, on: &mut dyn FnMut(&[u8])) -> Option<News> {
        match open(&self.path) {
            Ok(open) => self.file = Some(open),
            Err(error) => return self.lost(error),
        }
        if let Err(error) = self.read(on) {
            return self.lost(error);
        }
        std::mem::take(&mut self.said).then_some(News::Back)
    }

    fn lost(&mut self, error: io::Error) -> Option<News> {
        self.file = None;
        (!std::mem::replace(&mut self.said, true)).then_some(News::Gone(error))
    }

    fn rewind(&mut self, on: &mut dyn FnMut(&[u8])) -> Option<News> {
        self.begun.clear();
        let open = self.file.as_mut()?;
        open.read = 0;
        let result = open.file.rewind().and_then(|()| self.read(on));
        match result {
            Ok(()) => Some(News::Shorter),
            Err(error) => self.lost(error),
        }
    }

    fn read(&mut self, on: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut octets = vec![0; CHUNK];
        loop {
            let Some(open) = &mut self.file else {
                return Ok(());
            };
            let read = match open.file.read(&mut octets) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            open.read += read as u64;
            for part in octets[..read].split_inclusive(|&byte| byte == b'\n') {
                // Of a line that is too long, enough is kept to be no line of a log.
                let room = MAX_LINE.saturating_sub(self.begun.len());
                self.begun.extend_from_slice(&part[..part.len().min(room)]);
                if part.ends_with(b"\n") {
                    self.end_line(on);
                }
            }
        }
    }

    fn end_line(&mut self, on: &mut dyn FnMut(&[u8])) {
        if !self.begun.is_empty() {
            on(&self.begun);
            self.begun.clear();
        }
    }
}

fn open(path: &PathBuf) -> io::Result<Open> {
    let file = File::open(path)?;
    let identity = identity(&file.metadata()?);
    Ok(Open {
        file,
        identity,
        read: 0,
    })
}

#[cfg(unix)]
fn identity(data: &std::fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    (data.dev(), data.ino())
}

/// Where files have no number that can be asked for, the moment of their making stands for it.
#[cfg(not(unix))]
fn identity(data: &std::fs::Metadata) -> Identity {
    let made = data.created().ok();
    let since = made.and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or((0, 0), |since| {
        (since.as_secs(), since.subsec_nanos().into())
    })
}

/// Octets at the end of a file in which the last requests are looked for.
const HISTORY: u64 = 1 << 20;
/// Octets read at a time.
const CHUNK: usize = 64 << 10;
/// The longest line that is kept.
const MAX_LINE: usize = 64 << 10;
