//! [`Serving`]: a connection from its admission to the end of its tunnel.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use narrows_tunnel::Transport;
use pin_project_lite::pin_project;

use crate::connection::Placed;
use crate::observe::Observe;
use crate::policy::Policy;

/// Serves a connection until it comes to nothing or becomes a tunnel.
type Opening<S, P, O> = Pin<Box<dyn Future<Output = Option<Placed<S, P, O>>> + Send>>;

pin_project! {
    /// The task of a connection. It is as large as a tunnel: all that leads to one is in a box, which is gone
    /// when the tunnel carries.
    #[project = Stage]
    pub(crate) enum Serving<S: Transport, P: Policy, O: Observe> {
        Opening { opening: Opening<S, P, O> },
        Open { #[pin] placed: Placed<S, P, O> },
    }
}

impl<S: Transport, P: Policy, O: Observe> Future for Serving<S, P, O> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let placed = match self.as_mut().project() {
                Stage::Opening { opening } => ready!(opening.as_mut().poll(cx)),
                Stage::Open { placed } => return placed.poll(cx),
            };
            match placed {
                Some(placed) => self.set(Self::Open { placed }),
                None => return Poll::Ready(()),
            }
        }
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use narrows_endpoint::Target;
    use tokio::net::TcpStream;

    use super::*;
    use crate::observe::Counters;
    use crate::policy::Action;

    /// Thousands of tunnels are idle at a time. What an async block keeps twice shows here.
    #[test]
    fn an_idle_tunnel_takes_little_room() {
        type Policy = fn(&Target) -> Action;
        let size = size_of::<Serving<TcpStream, Policy, Counters>>();
        assert!(size <= 640, "{size} octets");
    }
}
