//! What the two ends of a tunnel do, side by side.

use std::io;
use std::time::Duration;

use tokio::sync::watch;

use crate::end::End;
use crate::plan::Plan;

/// What an end sends at most while it waits for a reset, more than any plan reads before that.
const ENOUGH: u64 = 4 << 20;
/// Octets that idle tunnels carry, each way, once in a while.
const MURMUR: u64 = 16;

const UPGRADE: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: soak\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const UPGRADED: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// The client's part in an open tunnel. `stop` ends the idle ones early.
pub(crate) async fn client(
    end: &mut End,
    plan: Plan,
    stop: &mut watch::Receiver<bool>,
) -> io::Result<()> {
    match plan {
        Plan::Turns { rounds, up, down } => {
            for _ in 0..rounds {
                end.send(up).await?;
                end.take(down).await?;
            }
        }
        Plan::Frames { rounds, size } => {
            end.say(UPGRADE).await?;
            end.expect(UPGRADED).await?;
            for _ in 0..rounds {
                end.say(&frame(size, true)).await?;
                end.send(size).await?;
                end.expect(&frame(size, false)).await?;
                end.take(size).await?;
            }
        }
        // The last octet is the origin's word that it has everything: Squid would drop what is on its way.
        Plan::Bulk { up, down } => end.exchange(up, down + 1).await?,
        Plan::SlowReader { down } => {
            end.pause(Duration::from_millis(20));
            end.send(64).await?;
            end.take(down).await?;
        }
        Plan::HalfClose {
            client_first: true,
            up,
            ..
        } => {
            end.send(up).await?;
            end.finish().await?;
            return end.rest().await;
        }
        Plan::HalfClose { up, .. } => {
            end.rest().await?;
            end.send(up).await?;
        }
        Plan::Abort {
            by_client: true,
            up,
            down,
        } => {
            end.send(up).await?;
            end.take(down).await?;
            return end.reset();
        }
        Plan::Abort { .. } => {
            end.until_over(ENOUGH).await;
            return Ok(());
        }
        Plan::Idle { millis } => murmur(end, Duration::from_millis(millis), stop).await?,
        Plan::Plain { .. } | Plan::Denied | Plan::Closed | Plan::NotCarried => {}
    }
    end.finish().await?;
    end.ended().await
}

/// The origin's part.
pub(crate) async fn origin(end: &mut End, plan: Plan) -> io::Result<()> {
    match plan {
        Plan::Turns { rounds, up, down } => {
            for _ in 0..rounds {
                end.take(up).await?;
                end.send(down).await?;
            }
        }
        Plan::Frames { rounds, size } => {
            end.expect(UPGRADE).await?;
            end.say(UPGRADED).await?;
            for _ in 0..rounds {
                end.expect(&frame(size, true)).await?;
                end.take(size).await?;
                end.say(&frame(size, false)).await?;
                end.send(size).await?;
            }
        }
        Plan::Bulk { up, down } => {
            end.exchange(down, up).await?;
            end.send(1).await?;
        }
        Plan::SlowReader { down } => {
            end.take(64).await?;
            end.send(down).await?;
        }
        Plan::Plain { down, .. } => {
            end.head().await?;
            return answer(end, plan, down).await;
        }
        Plan::HalfClose {
            client_first: true,
            down,
            ..
        } => {
            end.rest().await?;
            end.send(down).await?;
            return end.finish().await;
        }
        Plan::HalfClose { down, .. } => {
            end.send(down).await?;
            end.finish().await?;
            return end.rest().await;
        }
        Plan::Abort {
            by_client: false,
            up,
            down,
        } => {
            end.take(up).await?;
            end.send(down).await?;
            return end.reset();
        }
        Plan::Abort { .. } => {
            end.until_over(ENOUGH).await;
            return Ok(());
        }
        Plan::Idle { .. } => return echo(end).await,
        Plan::Denied | Plan::Closed | Plan::NotCarried => {}
    }
    end.ended().await?;
    end.finish().await
}

/// Answers a plain request, whose head is there.
async fn answer(end: &mut End, plan: Plan, down: u64) -> io::Result<()> {
    if let Plan::Plain { up, .. } = plan {
        end.take(up).await?;
    }
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {down}\r\nConnection: close\r\n\r\n");
    end.say(head.as_bytes()).await?;
    end.send(down).await?;
    end.finish().await?;
    // Who has the whole answer may leave as it likes; over HTTP/2, a reset may overtake the end.
    match end.ended().await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
        other => other,
    }
}

/// Says little, until its time is over.
async fn murmur(end: &mut End, life: Duration, stop: &mut watch::Receiver<bool>) -> io::Result<()> {
    let pause = life / 3;
    for _ in 0..3 {
        end.send(MURMUR).await?;
        end.take(MURMUR).await?;
        // An error means that nobody is left to stop it.
        if let Ok(Ok(_)) = tokio::time::timeout(pause, stop.wait_for(|stop| *stop)).await {
            break;
        }
    }
    Ok(())
}

/// Answers until the other side ends.
async fn echo(end: &mut End) -> io::Result<()> {
    loop {
        match end.take(MURMUR).await {
            Ok(()) => end.send(MURMUR).await?,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    end.finish().await
}

/// The head of a binary frame (RFC 6455); a client's has a mask, of zeros.
fn frame(size: u64, masked: bool) -> Vec<u8> {
    let mut head = vec![0x82, 126 | u8::from(masked) << 7];
    head.extend_from_slice(&u16::try_from(size).unwrap_or(u16::MAX).to_be_bytes());
    if masked {
        head.extend_from_slice(&[0; 4]);
    }
    head
}
