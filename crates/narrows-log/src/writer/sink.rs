//! [`Sink`]: where lines end up.

use std::io::{self, Write};

/// Where a [`Writer`](super::Writer) puts its lines; called on its thread only, so it may block.
///
/// Everything that is [`Write`] is a sink that cannot be reopened. A log file that follows rotation
/// implements this trait itself.
pub trait Sink: Send + 'static {
    /// Takes some of the lines, as [`Write::write`] does, and says how many octets.
    ///
    /// # Errors
    ///
    /// The medium's. Nothing was taken then; the same octets are offered again.
    fn write_some(&mut self, lines: &[u8]) -> io::Result<usize>;

    /// Passes on what it may hold back, as [`Write::flush`] does.
    ///
    /// # Errors
    ///
    /// The medium's.
    fn flush(&mut self) -> io::Result<()>;

    /// Goes on with a new file under the old name; the default does nothing.
    ///
    /// # Errors
    ///
    /// The medium's. The sink should keep what it had: it is used again, and asked again before each
    /// batch of lines.
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Puts the file aside if it has had enough, and goes on with a new one; `false` if it is not time,
    /// which is what the default says. Asked between two lines, before each writing.
    ///
    /// # Errors
    ///
    /// The medium's. The sink should keep what it had, and answer `false` for a while before it tries
    /// again.
    fn rotate(&mut self) -> io::Result<bool> {
        Ok(false)
    }
}

impl<W: Write + Send + 'static> Sink for W {
    fn write_some(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.write(lines)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(self)
    }
}
