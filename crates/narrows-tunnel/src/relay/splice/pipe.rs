//! [`Pipe`]: bounded in number, sized once, and lent only while bytes are in it.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::pipe::{PipeFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with};
use rustix::process::{Resource, getrlimit};

/// What a pipe is asked to hold, in octets. The more it holds, the fewer window updates and wake-ups of
/// the peers there are for each octet.
///
/// The kernel counts in pages, and a network card may have filled each with one packet only: such a pipe
/// is full with a third of it.
const CAPACITY: usize = 1024 * 1024;

/// Pipes that are asked to hold that much. They are half of what fs.pipe-user-pages-soft grants a user
/// by default; further ones stay as the kernel makes them.
const WIDE: usize = 32;

/// What a pipe must hold to be worth the calls, and what the kernel gives by default. A user who is over
/// fs.pipe-user-pages-soft gets pipes of two pages.
const LEAST: usize = 64 * 1024;

/// Pipes that the process may have, if it may have the descriptors: as many directions of slow
/// receivers, since the pipe of a fast one is empty again at the end of its turn.
const MOST: usize = 128;

/// Descriptors that the process may have for each of its pipes: all of them together take a
/// thirty-second, so that tunnels do not go without.
const DESCRIPTORS: u64 = 64;

/// Empty pipes that a thread keeps, so that a busy direction does not open one for every turn.
const SPARE: usize = 16;

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
    /// An empty pipe, of this thread's if it has one. `None` when there are [`most`], when the process
    /// is out of descriptors, or when the kernel would give only a tiny one.
    pub(super) fn take() -> Option<Self> {
        POOL.with_borrow_mut(Vec::pop).or_else(Self::open)
    }

    /// Keeps an empty pipe for the next direction that has bytes to move. When half of the places are
    /// taken none is kept, or the threads that keep many would leave the others none.
    pub(super) fn give_back(self) {
        POOL.with_borrow_mut(|pool| {
            if pool.len() < SPARE && OPEN.load(Ordering::Relaxed) <= most() / 2 {
                pool.push(self);
            }
        });
    }

    fn open() -> Option<Self> {
        let (place, others) = Place::take()?;
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        let wide = others < WIDE && fcntl_setpipe_size(&write, CAPACITY).is_ok();
        (wide || fcntl_getpipe_size(&write).ok()? >= LEAST).then_some(Self {
            read,
            write,
            _place: place,
        })
    }
}

/// Pipes that this process may have, by its limit on descriptors when it first needs one.
fn most() -> usize {
    static LIMIT: OnceLock<usize> = OnceLock::new();
    *LIMIT.get_or_init(|| {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        usize::try_from(descriptors / DESCRIPTORS).map_or(MOST, |pipes| pipes.min(MOST))
    })
}

/// One of [`most`].
#[derive(Debug)]
struct Place;

impl Place {
    /// A place, and how many others are taken.
    fn take() -> Option<(Self, usize)> {
        let taken = OPEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
            (open < most()).then_some(open + 1)
        });
        taken.ok().map(|others| (Self, others))
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
        assert_eq!(taken.len(), most());
        let capacity = |pipe: &Pipe| fcntl_getpipe_size(&pipe.write).unwrap();
        assert!(taken.iter().map(capacity).sum::<usize>() <= WIDE * CAPACITY + MOST * LEAST);
        drop(taken.pop());
        let again = Pipe::take();
        assert!(again.is_some(), "a closed pipe leaves its place");
        taken.into_iter().for_each(Pipe::give_back);
        assert_eq!(OPEN.load(Ordering::Relaxed), (SPARE + 1).min(most() / 2));
    }
}
