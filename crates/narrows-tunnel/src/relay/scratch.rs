//! One buffer for every relay of a thread: an idle tunnel holds none.

use std::cell::Cell;

/// Octets that one turn may read. 64 KiB is where a recv/send relay stops gaining from more
/// (16 KiB moves two thirds of it, 256 KiB a few per cent more).
pub(super) const SIZE: usize = 64 * 1024;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the thread's buffer. A nested call gets a fresh one, so this never fails.
pub(super) fn with<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut buffer = BUFFER.take();
    buffer.resize(SIZE, 0);
    let result = work(&mut buffer);
    BUFFER.set(buffer);
    result
}
