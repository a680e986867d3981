//! The writing thread.

use std::io;

use super::health::{Health, SinkStep, Watched};
use super::shared::{Batch, Shared};
use super::sink::Sink;

/// Writes batch after batch until the writer is closed.
pub(super) fn run(shared: &Shared, sink: impl Sink, watch: impl FnMut(Health<'_>)) {
    let _finish = Finish(shared);
    let mut drain = Drain {
        shared,
        sink,
        watch,
        writing: Watched::new(SinkStep::Write),
        reopening: Watched::new(SinkStep::Reopen),
        rotating: Watched::new(SinkStep::Rotate),
    };
    let mut batch = Batch::default();
    loop {
        let (reopen, closing) = shared.take(&mut batch);
        if batch.lines > 0 && drain.reopening.is_failing() {
            drain.reopen();
        }
        if !drain.write(batch.text.as_bytes()) {
            return;
        }
        batch.text.clear();
        batch.lines = 0;
        if reopen {
            drain.reopen();
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

/// The sink, and how it does.
struct Drain<'a, S, W> {
    shared: &'a Shared,
    sink: S,
    watch: W,
    writing: Watched,
    /// A reopening that failed is owed.
    reopening: Watched,
    rotating: Watched,
}

impl<S: Sink, W: FnMut(Health<'_>)> Drain<'_, S, W> {
    /// Writes one batch, trying until the sink takes it; `false` if it was given up because of the end.
    fn write(&mut self, lines: &[u8]) -> bool {
        let mut done = 0;
        let mut last_try = false;
        while let Err(error) = self.write_from(lines, &mut done) {
            let (waiting, dropped) = self.shared.failed();
            if let Some(news) = self.writing.failed(&error, waiting, dropped) {
                self.tell(&news);
            }
            if last_try {
                return false;
            }
            let (reopen, closing) = self.shared.wait_to_retry();
            last_try = closing;
            if (reopen || self.reopening.is_failing()) && self.reopen() {
                // A new file starts with a whole line.
                done = lines[..done]
                    .iter()
                    .rposition(|&byte| byte == b'\n')
                    .map_or(0, |lf| lf + 1);
            }
        }
        // A batch without lines tells nothing of the sink.
        if !lines.is_empty()
            && let Some(news) = self.writing.succeeded(self.shared.counts().dropped)
        {
            self.tell(&news);
        }
        self.shared.written();
        true
    }

    /// Whether it worked.
    fn reopen(&mut self) -> bool {
        let result = self.sink.reopen();
        let news = match &result {
            Ok(()) => self.reopening.succeeded(self.shared.counts().dropped),
            Err(error) => {
                let (waiting, dropped) = self.shared.failed();
                self.reopening.failed(error, waiting, dropped)
            }
        };
        if let Some(news) = news {
            self.tell(&news);
        }
        result.is_ok()
    }

    /// Goes on with a new file if it is time. If that fails, lines go where they went.
    fn rotate(&mut self) {
        let news = match self.sink.rotate() {
            Ok(false) => None,
            Ok(true) => self.rotating.succeeded(self.shared.counts().dropped),
            Err(error) => {
                let (waiting, dropped) = self.shared.failed();
                let news = self.rotating.failed(&error, waiting, dropped);
                if let Some(news) = news {
                    self.tell(&news);
                }
                return;
            }
        };
        if let Some(news) = news {
            self.tell(&news);
        }
    }

    fn tell(&mut self, news: &Health<'_>) {
        self.shared.note(news);
        (self.watch)(*news);
    }

    /// Writes `lines[done..]` and flushes; `done` says how far it came.
    fn write_from(&mut self, lines: &[u8], done: &mut usize) -> io::Result<()> {
        while *done < lines.len() {
            if *done == 0 || lines[*done - 1] == b'\n' {
                self.rotate();
            }
            match self.sink.write_some(&lines[*done..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => *done += taken,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.sink.flush()
    }
}
