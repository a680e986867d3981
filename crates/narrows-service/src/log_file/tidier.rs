//! [`Tidier`]: compresses and removes what a rotation put aside.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::rotation::{Rotation, with};
use crate::say::say;

/// A thread that tidies up when it is woken; it starts the first time, and ends with its log file.
///
/// Not a new thread for each rotation: allocators keep memory with threads, and what compressing takes, a third of a
/// mebibyte, would stay with one after the other.
#[derive(Debug, Default)]
pub(super) struct Tidier {
    thread: Option<Sender<()>>,
}

// === impl Tidier ===

impl Tidier {
    /// Has it look at what was put aside from `path`; it is the same one each time.
    ///
    /// # Errors
    ///
    /// The operating system's, if it gives no thread.
    pub(super) fn wake(&mut self, path: &Path, rotation: Rotation) -> io::Result<()> {
        if let Some(thread) = &self.thread
            && thread.send(()).is_ok()
        {
            return Ok(());
        }
        let (wake, woken) = channel();
        let path = path.to_owned();
        thread::Builder::new()
            .name("narrows-log-tidy".to_owned())
            .spawn(move || run(&path, rotation, &woken))?;
        // It has just started and waits for this.
        let _ = wake.send(());
        self.thread = Some(wake);
        Ok(())
    }
}

fn run(path: &Path, rotation: Rotation, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        // Once for all who have woken it meanwhile.
        while woken.try_recv().is_ok() {}
        if let Err(error) = tidy(path, rotation) {
            let name = path.display();
            say(format_args!(
                "warning: cannot tidy up behind the log {name}: {error}"
            ));
        }
    }
}

/// Compresses and removes. Only names that a rotation gives are touched.
///
/// # Errors
///
/// The first that the system did not let it do.
fn tidy(path: &Path, rotation: Rotation) -> io::Result<()> {
    let mut old = put_aside(path)?;
    old.sort_by_cached_key(|file| order(file));
    let surplus = old.len().saturating_sub(rotation.keep);
    for file in old.drain(..surplus) {
        absent(std::fs::remove_file(file))?;
    }
    if rotation.compress {
        for file in old.iter().filter(|file| !is_compressed(file)) {
            absent(compress(file))?;
        }
    }
    Ok(())
}

/// Somebody else may tidy up, too: what they have done is done.
fn absent(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}

/// Every file that was put aside from `path`.
fn put_aside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let file = entry.file_name();
        let end = file.to_str().and_then(|file| file.strip_prefix(name));
        if end.and_then(moment).is_some() {
            found.push(directory.join(file));
        }
    }
    Ok(found)
}

/// The moment and the number of `.20260703T041446Z`, `.20260703T041446Z.1`, each with or without `.gz`.
fn moment(end: &str) -> Option<(&str, u32)> {
    let end = end.strip_prefix('.')?;
    let end = end.strip_suffix(".gz").unwrap_or(end);
    let (stamp, number) = match end.split_once('.') {
        Some((stamp, number)) => (stamp, number.parse().ok()?),
        None => (end, 0),
    };
    let (date, time) = stamp.strip_suffix('Z')?.split_once('T')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (date.len() == 8 && time.len() == 6 && digits(date) && digits(time)).then_some((stamp, number))
}

/// By moment, then by number.
fn order(file: &Path) -> (String, u32) {
    let name = file.to_string_lossy().into_owned();
    let found = name.rmatch_indices('.').find_map(|(at, _)| {
        let (stamp, number) = moment(&name[at..])?;
        Some((stamp.to_owned(), number))
    });
    found.unwrap_or_default()
}

fn is_compressed(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "gz")
}

/// Compresses a file beside itself, for the same readers; it is removed when the other is whole.
fn compress(file: &Path) -> io::Result<()> {
    let (part, whole) = (with(file, ".gz.part"), with(file, ".gz"));
    let source = File::open(file)?;
    // What an earlier run left unfinished.
    absent(std::fs::remove_file(&part))?;
    if let Err(error) = compress_to(source, &part) {
        // On a full disk it would be in the way of the log itself.
        let _ = std::fs::remove_file(&part);
        return Err(error);
    }
    std::fs::rename(&part, &whole)?;
    std::fs::remove_file(file)
}

fn compress_to(mut source: File, part: &Path) -> io::Result<()> {
    let file = only_for_us().create_new(true).open(part)?;
    file.set_permissions(source.metadata()?.permissions())?;
    let mut encoder = GzEncoder::new(file, Compression::default());
    io::copy(&mut source, &mut encoder)?;
    encoder.finish()?.sync_all()
}

/// Makes files that nobody else may read, until they are told who may.
fn only_for_us() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
