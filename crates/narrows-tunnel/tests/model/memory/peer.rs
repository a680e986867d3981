//! [`Peer`]: a stream in memory that does what its plan says, and tells the reference.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use narrows_tunnel::{Side, Transport};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::plan::{Ending, PeerPlan, Refusal, Say, Take};
use super::reference::Reference;
use super::stall::Stall;
use crate::noise::{MOST, Way, noise};

/// Both peers of a tunnel and the reference that watches them.
pub(super) struct Tunnel {
    pub(super) reference: Reference,
    pub(super) client: Play,
    pub(super) far: Play,
}

/// How far a peer has come with its plan.
pub(super) struct Play {
    plan: PeerPlan,
    said: usize,
    /// Of the piece that it is saying.
    said_of_it: usize,
    takes: usize,
    flushes: usize,
    /// What has reached it, and is not held back on its way.
    pub(super) has: u64,
    hears: Option<Waker>,
    pub(super) reading: Stall,
    pub(super) writing: Stall,
    pub(super) flushing: Stall,
    pub(super) shutting: Stall,
}

pub(super) struct Peer {
    side: Side,
    tunnel: Arc<Mutex<Tunnel>>,
}

// === impl Tunnel ===

impl Tunnel {
    pub(super) const fn play(&self, side: Side) -> &Play {
        match side {
            Side::Client => &self.client,
            Side::Far => &self.far,
        }
    }

    const fn parts(&mut self, side: Side) -> (&mut Play, &mut Reference) {
        match side {
            Side::Client => (&mut self.client, &mut self.reference),
            Side::Far => (&mut self.far, &mut self.reference),
        }
    }
}

pub(super) fn lock(tunnel: &Mutex<Tunnel>) -> MutexGuard<'_, Tunnel> {
    tunnel.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Play ===

impl Play {
    pub(super) fn new(plan: PeerPlan) -> Self {
        Self {
            plan,
            said: 0,
            said_of_it: 0,
            takes: 0,
            flushes: 0,
            has: 0,
            hears: None,
            reading: Stall::default(),
            writing: Stall::default(),
            flushing: Stall::default(),
            shutting: Stall::default(),
        }
    }

    /// Whether its reader would never find anything again, as things are.
    pub(super) fn is_silent(&self) -> bool {
        match self.plan.says.get(self.said) {
            Some(&Say::Heard(octets)) => self.has < octets,
            Some(_) => false,
            None => matches!(self.plan.ending, Ending::Silence),
        }
    }

    /// Whether it has taken the last octet that it takes, and says nothing of it.
    pub(super) const fn is_stuck(&self, heard: u64) -> bool {
        matches!(self.plan.last, Some((last, Refusal::Stuck)) if last <= heard)
    }

    fn read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        way: Way,
        reference: &mut Reference,
    ) -> Poll<io::Result<()>> {
        while let Some(&say) = self.plan.says.get(self.said) {
            match say {
                Say::Octets(octets) => {
                    let some = (octets - self.said_of_it).min(buffer.remaining()).min(MOST);
                    let after = reference.way(way).said;
                    buffer.put_slice(noise(way, after, some));
                    reference.read(way, some);
                    self.said_of_it += some;
                    if self.said_of_it == octets {
                        (self.said, self.said_of_it) = (self.said + 1, 0);
                    }
                    return Poll::Ready(Ok(()));
                }
                Say::Heard(octets) if self.has < octets => {
                    self.hears = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                Say::Heard(_) => {}
                Say::Pause(pause) => ready!(self.reading.poll(pause, cx, reference)),
            }
            self.said += 1;
            reference.goes_on();
        }
        match self.plan.ending {
            Ending::Fails(kind) => {
                reference.broke(way.from(), kind);
                Poll::Ready(Err(kind.into()))
            }
            Ending::Fin => {
                reference.ended(way);
                Poll::Ready(Ok(()))
            }
            Ending::Silence => Poll::Pending,
        }
    }

    fn write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        way: Way,
        reference: &mut Reference,
    ) -> Poll<io::Result<usize>> {
        let heard = reference.way(way).heard;
        let mut most = bytes.len();
        if let Some((last, refusal)) = self.plan.last {
            if last <= heard {
                return self.refuse(refusal, way, reference);
            }
            most = most.min(usize::try_from(last - heard).unwrap_or(usize::MAX));
        }
        while let Some(&take) = self.next_take() {
            match take {
                Take::Pause(pause) => ready!(self.writing.poll(pause, cx, reference)),
                Take::UpTo(octets) => most = most.min(octets),
            }
            self.takes += 1;
            reference.goes_on();
            if matches!(take, Take::UpTo(_)) {
                break;
            }
        }
        reference.wrote(way, most);
        // What is written later is flushed later.
        self.flushing = Stall::default();
        if !self.plan.holds {
            self.hear(heard + most as u64);
        }
        Poll::Ready(Ok(most))
    }

    fn next_take(&self) -> Option<&Take> {
        let at = self.takes.checked_rem(self.plan.takes.len())?;
        self.plan.takes.get(at)
    }

    fn refuse(
        &self,
        refusal: Refusal,
        way: Way,
        reference: &mut Reference,
    ) -> Poll<io::Result<usize>> {
        match refusal {
            Refusal::Fails(kind) => {
                reference.broke(way.to(), kind);
                Poll::Ready(Err(kind.into()))
            }
            Refusal::Stuck => Poll::Pending,
            Refusal::Zero => {
                reference.broke(way.to(), ErrorKind::WriteZero);
                Poll::Ready(Ok(0))
            }
        }
    }

    fn flush(
        &mut self,
        cx: &mut Context<'_>,
        way: Way,
        reference: &mut Reference,
    ) -> Poll<io::Result<()>> {
        if let Some(at) = self.flushes.checked_rem(self.plan.flushes.len()) {
            let pause = self.plan.flushes[at];
            ready!(self.flushing.poll(pause, cx, reference));
            self.flushes += 1;
        }
        reference.goes_on();
        if let Some(kind) = self.plan.flush_fails {
            reference.broke(way.to(), kind);
            return Poll::Ready(Err(kind.into()));
        }
        self.hear(reference.way(way).heard);
        Poll::Ready(Ok(()))
    }

    fn shut_down(
        &mut self,
        cx: &mut Context<'_>,
        way: Way,
        reference: &mut Reference,
    ) -> Poll<io::Result<()>> {
        if let Some(pause) = self.plan.shutdown {
            ready!(self.shutting.poll(pause, cx, reference));
        }
        match self.plan.shutdown_fails {
            Some(kind) if kind != ErrorKind::NotConnected => {
                reference.broke(way.to(), kind);
                Poll::Ready(Err(kind.into()))
            }
            // Not connected: it has closed, and nothing was owed to it any more.
            gone => {
                reference.shut(way);
                self.hear(reference.way(way).heard);
                Poll::Ready(gone.map_or(Ok(()), |kind| Err(kind.into())))
            }
        }
    }

    fn hear(&mut self, octets: u64) {
        self.has = octets;
        if let Some(waker) = self.hears.take() {
            waker.wake();
        }
    }
}

// === impl Peer ===

impl Peer {
    pub(super) const fn new(side: Side, tunnel: Arc<Mutex<Tunnel>>) -> Self {
        Self { side, tunnel }
    }
}

impl AsyncRead for Peer {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut tunnel = lock(&self.tunnel);
        let (play, reference) = tunnel.parts(self.side);
        let way = Way::sent_by(self.side);
        reference.reads(way)?;
        play.read(cx, buffer, way, reference)
    }
}

impl AsyncWrite for Peer {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut tunnel = lock(&self.tunnel);
        let (play, reference) = tunnel.parts(self.side);
        let way = Way::heard_by(self.side);
        reference.writes(way, bytes)?;
        play.write(cx, bytes, way, reference)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut tunnel = lock(&self.tunnel);
        let (play, reference) = tunnel.parts(self.side);
        let way = Way::heard_by(self.side);
        reference.flushes(way)?;
        play.flush(cx, way, reference)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut tunnel = lock(&self.tunnel);
        let (play, reference) = tunnel.parts(self.side);
        let way = Way::heard_by(self.side);
        reference.shuts(way)?;
        play.shut_down(cx, way, reference)
    }
}

impl Transport for Peer {
    fn reset_on_drop(&mut self) {
        lock(&self.tunnel).reference.resets(self.side);
    }
}
