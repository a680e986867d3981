//! Stands in for `splice.rs` where the kernel has no splice(2): nothing is ever taken.

use std::io;
use std::task::{Context, Poll};

use tokio::net::TcpStream;

use super::counts::Count;

/// There is none.
#[derive(Debug)]
pub(super) enum Load {}

/// Always refused; the variants are those of `splice.rs`.
#[allow(dead_code, reason = "the caller is written for both")]
pub(super) enum Fill {
    Load(Load),
    Nothing,
    Refused,
}

impl Load {
    pub(super) const fn len(&self) -> usize {
        match *self {}
    }

    pub(super) fn deliver(
        &mut self,
        _: &mut Context<'_>,
        _: &TcpStream,
        _: Count<'_>,
    ) -> Poll<io::Result<()>> {
        match *self {}
    }

    pub(super) const fn finish(self) {
        match self {}
    }
}

pub(super) const fn fill(_: &mut Context<'_>, _: &TcpStream) -> Poll<io::Result<Fill>> {
    Poll::Ready(Ok(Fill::Refused))
}
