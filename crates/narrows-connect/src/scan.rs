//! [`Scan`]: finds the end of a head, looking at every byte once however it arrives.

use crate::limits::{Limits, MAX_HEADERS};

/// Where the search for the blank line stands. Offsets are into the buffer given each time.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    line_ends: LineEnds,
    /// The first byte of the line that is not complete yet.
    line: usize,
    /// The first byte not looked at yet.
    at: usize,
    /// Complete lines so far, the start line included.
    lines: usize,
    /// The start line's first byte, once the empty line that may stand before it is over.
    start: usize,
    /// Whether that one empty line was seen (RFC 9112 §2.2).
    led: bool,
}

/// Which line ends a head may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnds {
    /// Only CR LF: what a client sends must be read in one way only.
    CrLf,
    /// LF too, as RFC 9112 §2.2 allows: old proxies answer so.
    Lf,
}

/// A complete head: `buf[start..end]`, its start line first, its blank line last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) headers: usize,
}

/// Why a head can be refused before it is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    BareLf,
    EmptyLines,
    TooLarge(usize),
    TooManyHeaders(usize),
}

impl Scan {
    /// A scan for a head that starts at `start`.
    pub(crate) const fn new(line_ends: LineEnds, start: usize) -> Self {
        Self {
            line_ends,
            line: start,
            at: start,
            lines: 0,
            start,
            led: false,
        }
    }

    /// Looks at the bytes that are new in `buf`; `None` means that the head is not complete.
    ///
    /// Faults are found in byte order, so the verdict does not depend on how the bytes were split.
    pub(crate) fn advance(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<Span>, Fault> {
        let buf = &buf[..buf.len().min(limits.max_bytes)];
        while let Some(step) = buf[self.at..].iter().position(|&byte| byte == b'\n') {
            let end = self.at + step + 1;
            let line = &buf[self.line..end];
            self.at = end;
            if self.line_ends == LineEnds::CrLf && !line.ends_with(b"\r\n") {
                return Err(Fault::BareLf);
            }
            let blank = matches!(line, b"\n" | b"\r\n");
            if blank && self.lines > 0 {
                return Ok(Some(Span {
                    start: self.start,
                    end,
                    headers: self.lines - 1,
                }));
            }
            self.line = end;
            self.count(blank, limits)?;
        }
        self.at = buf.len();
        if self.at == limits.max_bytes {
            return Err(Fault::TooLarge(limits.max_bytes));
        }
        Ok(None)
    }

    fn count(&mut self, blank: bool, limits: &Limits) -> Result<(), Fault> {
        if blank {
            // One is tolerated; a second one is never sent in good faith.
            if std::mem::replace(&mut self.led, true) {
                return Err(Fault::EmptyLines);
            }
            self.start = self.line;
            return Ok(());
        }
        self.lines += 1;
        let limit = limits.max_headers.min(MAX_HEADERS);
        if self.lines > limit + 1 {
            return Err(Fault::TooManyHeaders(limit));
        }
        Ok(())
    }
}
