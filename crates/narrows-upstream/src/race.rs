//! Happy Eyeballs: several addresses, staggered attempts, the first connection wins (RFC 8305).

use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::timeout;

use crate::attempt::Attempt;

/// Orders addresses by turns of family, beginning with the family of the first (RFC 8305 §4).
///
/// The system put its best address first; within a family its order stays.
pub(crate) fn interleave(addrs: Vec<IpAddr>) -> Vec<IpAddr> {
    let Some(first) = addrs.first().map(IpAddr::is_ipv6) else {
        return addrs;
    };
    let (preferred, others): (Vec<_>, Vec<_>) =
        addrs.into_iter().partition(|addr| addr.is_ipv6() == first);
    let longer = preferred.len().max(others.len());
    (0..longer)
        .flat_map(|turn| [preferred.get(turn), others.get(turn)])
        .flatten()
        .copied()
        .collect()
}

/// Connects to the first of `peers` that answers, starting them in order.
///
/// The next attempt starts when `stagger` has passed or as soon as any running one fails. `None` when
/// all have failed. Every attempt that was started is written to `attempts`, so the list is good even
/// when the caller's deadline drops the race.
///
/// # Cancel safety
///
/// All attempts live inside this future: dropping it, or winning, drops them and their sockets.
pub(crate) async fn race<T, Fut>(
    peers: &[SocketAddr],
    stagger: Duration,
    connect: impl Fn(SocketAddr) -> Fut,
    attempts: &mut Vec<Attempt>,
) -> Option<T>
where
    Fut: Future<Output = io::Result<T>>,
{
    let mut waiting = peers.iter();
    let mut running = Running(Vec::new());
    loop {
        if let Some(&peer) = waiting.next() {
            running.0.push((attempts.len(), Box::pin(connect(peer))));
            attempts.push(Attempt::unanswered(peer));
        } else if running.0.is_empty() {
            return None;
        }
        let first = poll_fn(|cx| running.poll_first(cx));
        let ended = if waiting.len() == 0 {
            Some(first.await)
        } else {
            timeout(stagger, first).await.ok()
        };
        match ended {
            Some((_, Ok(connected))) => return Some(connected),
            Some((attempt, Err(error))) => attempts[attempt].fail(error),
            None => {}
        }
    }
}

/// The attempts under way: each one's place in the list of attempts, and its future.
struct Running<Fut>(Vec<(usize, Pin<Box<Fut>>)>);

// === impl Running ===

impl<T, Fut: Future<Output = io::Result<T>>> Running<Fut> {
    /// Takes out the first attempt that has ended, oldest first.
    ///
    /// Polls all of them on every wake; there are at most [`crate::MAX_ADDRESSES`].
    fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<(usize, io::Result<T>)> {
        for at in 0..self.0.len() {
            if let Poll::Ready(result) = self.0[at].1.as_mut().poll(cx) {
                let (attempt, _) = self.0.remove(at);
                return Poll::Ready((attempt, result));
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
