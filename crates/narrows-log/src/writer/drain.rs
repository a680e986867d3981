//! The writing thread.

use std::io;

use super::shared::{Batch, Shared};
use super::sink::Sink;

/// Writes batch after batch until the writer is closed.
pub(super) fn run(shared: &Shared, mut sink: impl Sink) {
    let _finish = Finish(shared);
    let mut batch = Batch::default();
    loop {
        let (reopen, closing) = shared.take(&mut batch);
        if !write(shared, &mut sink, batch.text.as_bytes()) {
            return;
        }
        batch.text.clear();
        batch.lines = 0;
        if reopen && sink.reopen().is_err() {
            shared.failed();
        }
        if closing {
            return;
        }
    }
}

/// Says that the thread has ended, however it ends: a sink may panic.
struct Finish<'a>(&'a Shared);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// Writes one batch, trying until the sink takes it; `false` if it was given up because of the end.
fn write(shared: &Shared, sink: &mut impl Sink, lines: &[u8]) -> bool {
    let mut done = 0;
    let mut last_try = false;
    while write_from(sink, lines, &mut done).is_err() {
        shared.failed();
        if last_try {
            return false;
        }
        let (reopen, closing) = shared.wait_to_retry();
        last_try = closing;
        if reopen {
            // A new file starts with a whole line.
            done = lines[..done]
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(0, |lf| lf + 1);
            if sink.reopen().is_err() {
                shared.failed();
            }
        }
    }
    shared.written();
    true
}

/// Writes `lines[done..]` and flushes; `done` says how far it came.
fn write_from(sink: &mut impl Sink, lines: &[u8], done: &mut usize) -> io::Result<()> {
    while *done < lines.len() {
        match sink.write_some(&lines[*done..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(taken) => *done += taken,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    sink.flush()
}
