//! [`Pipe`]: bounded in number, sized once, and lent only while bytes are in it.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::pipe::{PipeFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with};

/// What a pipe is asked to hold, in octets. The kernel counts in pages that a network card may have
/// filled with one packet each, so it may be full with less than a third of it.
const CAPACITY: usize = 256 * 1024;

/// What a pipe must hold to be worth the calls. A user who is over fs.pipe-user-pages-soft gets pipes of
/// two pages.
const LEAST: usize = 64 * 1024;

/// Pipes that the process may have. With [`CAPACITY`] they are half of what fs.pipe-user-pages-soft
/// grants a user by default.
const MOST: usize = 128;

/// Empty pipes that a thread keeps, so that a busy direction does not open one for every turn.
const SPARE: usize = 32;

static OPEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static POOL: RefCell<Vec<Pipe>> = const { RefCell::new(Vec::new()) };
}

/// Both ends of a pipe. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) read: OwnedFd,
    pub(super) write: OwnedFd,
    _place: Place,
}

impl Pipe {
    /// An empty pipe, of this thread's if it has one. `None` when there are [`MOST`], when the process
    /// is out of descriptors, or when the kernel would give only a tiny one.
    pub(super) fn take() -> Option<Self> {
        POOL.with_borrow_mut(Vec::pop).or_else(Self::open)
    }

    /// Keeps an empty pipe for the next direction that has bytes to move.
    pub(super) fn give_back(self) {
        POOL.with_borrow_mut(|pool| {
            if pool.len() < SPARE {
                pool.push(self);
            }
        });
    }

    fn open() -> Option<Self> {
        let place = Place::take()?;
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        let capacity = fcntl_setpipe_size(&write, CAPACITY).or_else(|_| fcntl_getpipe_size(&write));
        (capacity.ok()? >= LEAST).then_some(Self {
            read,
            write,
            _place: place,
        })
    }
}

/// One of [`MOST`].
#[derive(Debug)]
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let taken = OPEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
            (open < MOST).then_some(open + 1)
        });
        taken.ok().map(|_| Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_are_bounded_and_used_again() {
        let mut taken: Vec<Pipe> = std::iter::from_fn(Pipe::take).take(MOST + 1).collect();
        assert_eq!(taken.len(), MOST);
        drop(taken.pop());
        let again = Pipe::take();
        assert!(again.is_some(), "a closed pipe leaves its place");
        taken.into_iter().for_each(Pipe::give_back);
        assert_eq!(OPEN.load(Ordering::Relaxed), SPARE + 1);
    }
}
