//! [`get`]: asks an admin listener.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::address::Address;
use crate::listen::Io;

/// Why there is no answer. The message has its cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody listens there, or not for this user.
    #[error("nothing answers at {address}: {error}")]
    Connect {
        /// Where.
        address: Address,
        /// What the system said.
        error: io::Error,
    },
    /// What answers is no admin listener of Narrows, or not in its right mind.
    #[error("what answers at {address} is no admin listener: {problem}")]
    Answer {
        /// Where.
        address: Address,
        /// What is wrong with the answer.
        problem: String,
    },
    /// There was no answer in time.
    #[error("no answer from {0} within {secs} s", secs = PATIENCE.as_secs())]
    Silent(Address),
}

/// How long an answer may take. A process that has not answered by then has other trouble.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer: a thousand tunnels are a tenth of it.
const MAX_ANSWER: usize = 8 << 20;

/// The text that an admin listener has under a path.
///
/// # Errors
///
/// [`ClientError`]; a status other than 200 is one too.
///
/// # Cancel safety
///
/// Dropping the future closes the connection.
pub async fn get(address: &Address, path: &str) -> Result<String, ClientError> {
    let asked = async {
        let io = connect(address)
            .await
            .map_err(|error| ClientError::Connect {
                address: address.clone(),
                error,
            })?;
        ask(io, path).await.map_err(|problem| ClientError::Answer {
            address: address.clone(),
            problem,
        })
    };
    let answered = timeout(PATIENCE, asked).await;
    answered.unwrap_or_else(|_| Err(ClientError::Silent(address.clone())))
}

async fn connect(address: &Address) -> io::Result<Box<dyn Io>> {
    match address {
        Address::Tcp(address) => Ok(Box::new(TcpStream::connect(address).await?)),
        #[cfg(unix)]
        Address::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

async fn ask(io: Box<dyn Io>, path: &str) -> Result<String, String> {
    let request = Request::get(path)
        .header(header::HOST, "localhost")
        .body(Empty::<Bytes>::new());
    let request = request.map_err(|error| error.to_string())?;
    let shaken = http1::handshake(TokioIo::new(io)).await;
    let (mut sender, connection) = shaken.map_err(|error| error.to_string())?;
    let answer = async {
        let answer = sender.send_request(request).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER);
        let body = body.collect().await.map_err(|error| error.to_string())?;
        let text = String::from_utf8(body.to_bytes().into()).map_err(|error| error.to_string())?;
        if status.as_u16() == 200 {
            Ok(text)
        } else {
            Err(format!("{status}: {}", text.trim()))
        }
    };
    tokio::pin!(connection);
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        ended = &mut connection => match ended {
            // All that was sent is there.
            Ok(()) => answer.await,
            Err(error) => Err(error.to_string()),
        },
    }
}
