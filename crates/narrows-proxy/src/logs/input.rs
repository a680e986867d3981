//! Logs in a stream: files, compressed ones, and standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A file that could not be read to its end.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {error}", file.display())]
pub struct InputError {
    /// Why; a compressed file that was cut ends early, too.
    error: io::Error,
    file: PathBuf,
}

/// What comes out of logs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece<'a> {
    /// A file begins.
    File(&'a str),
    /// A line, with its line end if it has one.
    Line(&'a [u8]),
    /// A line that is longer than any log has them, and was not kept.
    Overlong,
}

/// Reads files line by line, the next one also if one fails. A person at a terminal sees how far it is.
pub(super) fn each_line(files: &[PathBuf], mut on: impl FnMut(Piece<'_>)) -> Vec<InputError> {
    let bar = progress(files);
    let mut problems = Vec::new();
    for file in files {
        on(Piece::File(&file.to_string_lossy()));
        if let Err(error) = read_file(file, &bar, &mut on) {
            let file = file.clone();
            problems.push(InputError { error, file });
        }
    }
    bar.finish_and_clear();
    problems
}

fn read_file(path: &Path, bar: &ProgressBar, on: &mut impl FnMut(Piece<'_>)) -> io::Result<()> {
    if path == Path::new("-") {
        return read(bar.wrap_read(io::stdin().lock()), on);
    }
    read(bar.wrap_read(File::open(path)?), on)
}

/// Reads a log, compressed if it begins as gzip does.
fn read(mut source: impl Read, on: &mut impl FnMut(Piece<'_>)) -> io::Result<()> {
    let mut head = Vec::with_capacity(GZIP.len());
    source
        .by_ref()
        .take(GZIP.len() as u64)
        .read_to_end(&mut head)?;
    let compressed = head == GZIP;
    let source = BufReader::with_capacity(BUFFER, head.chain(source));
    if compressed {
        lines(
            BufReader::with_capacity(BUFFER, MultiGzDecoder::new(source)),
            on,
        )
    } else {
        lines(source, on)
    }
}

fn lines(mut source: impl BufRead, on: &mut impl FnMut(Piece<'_>)) -> io::Result<()> {
    // What a line has in buffers before this one.
    let mut begun = Vec::new();
    loop {
        let buffer = match source.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                // What came before the fault is a line that was cut.
                last(&begun, on);
                return Err(error);
            }
        };
        if buffer.is_empty() {
            last(&begun, on);
            return Ok(());
        }
        let mut start = 0;
        for lf in memchr::memchr_iter(b'\n', buffer) {
            let line = &buffer[start..=lf];
            start = lf + 1;
            if begun.is_empty() {
                whole(line, on);
            } else {
                begun.extend_from_slice(line);
                whole(&begun, on);
                begun.clear();
            }
        }
        // Of a line that is too long, enough is kept to know it by.
        let room = (MAX_LINE + 1).saturating_sub(begun.len());
        let rest = &buffer[start..];
        begun.extend_from_slice(&rest[..rest.len().min(room)]);
        let read = buffer.len();
        source.consume(read);
    }
}

fn whole(line: &[u8], on: &mut impl FnMut(Piece<'_>)) {
    on(if line.len() > MAX_LINE {
        Piece::Overlong
    } else {
        Piece::Line(line)
    });
}

/// The last line, if it has no line end.
fn last(line: &[u8], on: &mut impl FnMut(Piece<'_>)) {
    if !line.is_empty() {
        whole(line, on);
    }
}

/// A bar on standard error; nothing if that is no terminal, or nobody knows how much there is.
fn progress(files: &[PathBuf]) -> ProgressBar {
    let sizes = files
        .iter()
        .map(|file| std::fs::metadata(file).map(|data| data.len()));
    let total: Option<u64> = sizes.map(Result::ok).sum();
    let target = if io::stderr().is_terminal() && total.is_some() {
        ProgressDrawTarget::stderr_with_hz(4)
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(total, target);
    let form = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(form) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// The longest line that is kept, in octets; far above what any of the forms makes of a capped text.
const MAX_LINE: usize = 64 << 10;
/// Octets read at a time.
const BUFFER: usize = 256 << 10;
/// How a gzip file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

#[cfg(test)]
mod tests;
