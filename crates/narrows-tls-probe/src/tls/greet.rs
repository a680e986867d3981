//! A ClientHello made by hand, and the answer to it.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use narrows_endpoint::Host;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::Tls;
use super::seen::{count, note};
use crate::evidence::TlsEvidence;
use crate::hello::{MAX_REPLY, OldHello, Reply, read_reply};
use crate::wire::{Io, Wire};

impl Tls {
    /// Sends a ClientHello that no library makes any more, and looks at the answer. The handshake is never
    /// finished.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes the stream.
    pub(crate) async fn greet<S: Io>(
        &self,
        (io, early): (S, Bytes),
        hello: OldHello,
        host: &Host,
        deadline: Duration,
    ) -> (TlsEvidence, Option<String>) {
        let mut random = [0; 32];
        // Nothing secret depends on it; zeros serve too.
        let _ = self.small.crypto_provider().secure_random.fill(&mut random);
        let octets = hello.client_hello(Some(host), random);
        let mut wire = Wire::new(io, early);
        let tape = wire.tape().clone();
        let mut answer = BytesMut::new();
        let until = Instant::now() + deadline;
        let exchange = async {
            wire.write_all(&octets).await?;
            wire.flush().await?;
            while !read_reply(&answer).is_final() && answer.len() < MAX_REPLY {
                if wire.read_buf(&mut answer).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Ok(())
        };
        let outcome = timeout_at(until, exchange).await;
        let outcome = outcome.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let mut evidence = TlsEvidence {
            sni: host.name().map(ToString::to_string),
            ..TlsEvidence::default()
        };
        let chose = chosen(&mut evidence, read_reply(&answer));
        if let (Err(error), None) = (&outcome, &chose) {
            note(&mut evidence, &tape.notes(), error);
        }
        count(&mut evidence, &tape.notes());
        (evidence, chose)
    }
}

/// What a server chose, if it answered with a ServerHello.
fn chosen(evidence: &mut TlsEvidence, reply: Reply) -> Option<String> {
    match reply {
        Reply::ServerHello(hello) => {
            evidence.version = Some(hello.version.to_string());
            evidence.cipher = Some(hello.suite.to_string());
            return Some(format!("{} with {}", hello.version, hello.suite));
        }
        Reply::Alert { alert, .. } => evidence.alert = Some(alert),
        Reply::NotTls(first) => evidence.first = first,
        _ => {}
    }
    None
}
