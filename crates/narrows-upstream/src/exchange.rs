//! The CONNECT exchange with a proxy, over any stream: one head out, one head in.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use narrows_connect::{Limits, Response, ResponseParser, Status, Via, encode_forwarded, excerpt};
use narrows_endpoint::Target;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::answer::ProxyAnswer;
use crate::error::DialErrorKind;

/// How much of a refusal's body is read, in octets. Squid's pages begin with some 3 KiB of style sheet
/// before the sentence that says why.
pub(crate) const MAX_BODY: usize = 8 * 1024;
/// How long the body of a refusal may take after its head, before the refusal is told without it.
const BODY_GRACE: Duration = Duration::from_millis(500);
/// The first read's buffer, in octets: the usual answer has under 200.
const FIRST_READ: usize = 1024;

/// How a proxy answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// With a 2xx: the stream is the tunnel from here on, beginning with these bytes.
    Open(Bytes),
    /// With anything else. The bytes are the beginning of the body; [`read_refusal`] reads on.
    Refused(Box<Response>, BytesMut),
}

/// Sends a CONNECT head and reads the answer; any 2xx opens the tunnel (RFC 9110 §9.3.6).
///
/// Nothing but the head is sent, with `authorization` as the value of its `Proxy-Authorization`. `Content-Length` and `Transfer-Encoding` of a 2xx are ignored, as the
/// RFC wants: what follows its head belongs to the tunnel.
///
/// # Cancel safety
///
/// Not cancel safe: a dropped exchange leaves the stream at an unknown place; drop the stream too.
pub(crate) async fn exchange<S>(
    io: &mut S,
    target: &Target,
    via: &Via,
    authorization: Option<&str>,
    limits: &Limits,
) -> Result<Answer, DialErrorKind>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buf = BytesMut::with_capacity(FIRST_READ);
    encode_forwarded(target, via, None, &mut buf);
    if let Some(value) = authorization {
        // Before the empty line that ends the head; the value holds no line end by its making.
        buf.truncate(buf.len() - b"\r\n".len());
        buf.extend_from_slice(format!("Proxy-Authorization: {value}\r\n\r\n").as_bytes());
    }
    let sent = send(io, &buf).await;
    buf.clear();
    // A proxy that is full answers and closes without reading: its answer says more than our error.
    let response = match (read_head(io, &mut buf, limits).await, sent) {
        (Ok(response), _) => response,
        (Err(_), Err(error)) => return Err(DialErrorKind::Broken(error)),
        (Err(error), Ok(())) => return Err(error),
    };
    let rest = buf.split_off(response.len);
    if !response.is_open() {
        return Ok(Answer::Refused(Box::new(response), rest));
    }
    // An empty tail must not keep the head's buffer alive for the life of the tunnel.
    let early = match rest.len() {
        0 => Bytes::new(),
        _ => rest.freeze(),
    };
    Ok(Answer::Open(early))
}

/// Reads what there is of a refusal's body, within [`BODY_GRACE`].
///
/// # Cancel safety
///
/// As [`exchange`].
pub(crate) async fn read_refusal<S: AsyncRead + Unpin>(
    io: &mut S,
    response: Response,
    mut body: BytesMut,
) -> Box<ProxyAnswer> {
    read_body(io, &mut body, response.content_length).await;
    let text = if response.chunked {
        after_first_line(&body)
    } else {
        &body
    };
    let excerpt = excerpt(text);
    Box::new(ProxyAnswer::new(response, excerpt))
}

async fn send<S: AsyncWrite + Unpin>(io: &mut S, head: &[u8]) -> io::Result<()> {
    io.write_all(head).await?;
    io.flush().await
}

async fn read_head<S: AsyncRead + Unpin>(
    io: &mut S,
    buf: &mut BytesMut,
    limits: &Limits,
) -> Result<Response, DialErrorKind> {
    let mut parser = ResponseParser::new(*limits);
    loop {
        match io.read_buf(buf).await {
            Ok(0) => {
                let received = buf.len();
                return Err(DialErrorKind::Closed { received });
            }
            Ok(_) => {}
            Err(error) => return Err(DialErrorKind::Broken(error)),
        }
        match parser.parse(buf)? {
            Status::Complete(response) => return Ok(response),
            Status::Partial => buf.reserve(FIRST_READ),
        }
    }
}

/// Reads what there is of a refusal's body: up to its length, [`MAX_BODY`] or [`BODY_GRACE`].
///
/// Errors are ignored: the status has been read and says enough.
async fn read_body<S: AsyncRead + Unpin>(io: &mut S, body: &mut BytesMut, length: Option<u64>) {
    let length = length.and_then(|length| usize::try_from(length).ok());
    let wanted = length.unwrap_or(MAX_BODY).min(MAX_BODY);
    let read = async {
        while body.len() < wanted {
            body.reserve(FIRST_READ);
            if !matches!(io.read_buf(body).await, Ok(1..)) {
                break;
            }
        }
    };
    // Running out of time leaves what was read.
    let _ = timeout(BODY_GRACE, read).await;
    body.truncate(wanted);
}

/// What follows the size of the first chunk; the excerpt rarely reaches into a second one.
fn after_first_line(body: &[u8]) -> &[u8] {
    let end = body.iter().position(|&byte| byte == b'\n');
    end.map_or(&[], |end| &body[end + 1..])
}

#[cfg(test)]
mod tests;
