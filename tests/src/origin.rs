//! The far end: an HTTP and an HTTPS server on loopback, with pages, bulk data, files and an echo of
//! what was asked.
//!
//! | path | answer |
//! |---|---|
//! | `GET /` | [`PAGE`] |
//! | `GET /version` | the HTTP version of the request |
//! | `GET /bytes/N` | N octets of the [pattern] |
//! | `PUT /sink` | `N octets, as sent` after N octets of the pattern |
//! | `GET /files/…` | a file from [`Origin::files`] |
//! | any `/request` | the request head as the origin saw it, one field a line |

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::pattern::{self, Checker};
use crate::tls::Tls;

/// What `GET /` answers.
pub const PAGE: &str = "hello from the far end\n";

/// The runtime of every origin. Tests themselves are synchronous.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// A running origin; dropping it closes its ports.
#[derive(Debug)]
pub struct Origin {
    /// Where it speaks HTTP/1.1 in clear.
    pub http: SocketAddr,
    /// Where it speaks HTTP/1.1 and HTTP/2 (ALPN) over TLS.
    pub https: SocketAddr,
    /// Its certificates.
    pub tls: Tls,
    directory: TempDir,
    requests: Arc<AtomicUsize>,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Clone, Debug)]
struct State {
    files: PathBuf,
    requests: Arc<AtomicUsize>,
}

type Answer = Response<Either<Full<Bytes>, Bulk>>;

// === impl Origin ===

impl Origin {
    /// Starts an origin on two free ports of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// When the machine has no loopback or no temporary directory.
    pub fn start() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let tls = Tls::create(directory.path());
        let state = State {
            files: directory.path().join("files"),
            requests: Arc::default(),
        };
        std::fs::create_dir(&state.files).expect("a writable directory");
        let requests = Arc::clone(&state.requests);
        let mut config = tls.server.clone();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));

        let _entered = RUNTIME.enter();
        let (plain, http) = listen();
        let (secure, https) = listen();
        let tasks = [
            RUNTIME.spawn(serve_plain(plain, state.clone())),
            RUNTIME.spawn(serve_tls(secure, acceptor, state)),
        ];
        Self {
            http,
            https,
            tls,
            directory,
            requests,
            tasks,
        }
    }

    /// The directory behind `/files/`.
    pub fn files(&self) -> PathBuf {
        self.directory.path().join("files")
    }

    /// Requests that have arrived so far, on both ports.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket option");
    let address = listener.local_addr().expect("bound");
    (
        TcpListener::from_std(listener).expect("inside the runtime"),
        address,
    )
}

async fn serve_plain(listener: TcpListener, state: State) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve_h1(stream, state.clone()));
    }
}

async fn serve_tls(listener: TcpListener, acceptor: TlsAcceptor, state: State) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, state) = (acceptor.clone(), state.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => serve_h2(stream, state).await,
                _ => serve_h1(stream, state).await,
            }
        });
    }
}

async fn serve_h1<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(io: S, state: State) {
    let service = service_fn(move |request| answer(request, state.clone()));
    let connection = hyper::server::conn::http1::Builder::new()
        // A client that has sent everything may still want its answer.
        .half_close(true)
        .serve_connection(TokioIo::new(io), service);
    // Clients leave as they like; what they got is for the test to judge.
    let _ = connection.await;
}

async fn serve_h2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(io: S, state: State) {
    let service = service_fn(move |request| answer(request, state.clone()));
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(io), service);
    let _ = connection.await;
}

async fn answer(request: Request<Incoming>, state: State) -> Result<Answer, Infallible> {
    state.requests.fetch_add(1, Ordering::SeqCst);
    let path = request.uri().path().to_owned();
    let answer = match path.as_str() {
        "/" => text(PAGE),
        "/request" => text(describe(&request)),
        "/sink" => sink(request.into_body()).await,
        "/version" => text(format!("{:?}", request.version())),
        _ => {
            if let Some(length) = path.strip_prefix("/bytes/") {
                length.parse().map_or_else(|_| missing(), bulk)
            } else if let Some(name) = path.strip_prefix("/files/") {
                file(&state.files, name).await
            } else {
                missing()
            }
        }
    };
    Ok(answer)
}

fn text(text: impl Into<Bytes>) -> Answer {
    Response::new(Either::Left(Full::new(text.into())))
}

fn bulk(length: u64) -> Answer {
    Response::new(Either::Right(Bulk { at: 0, length }))
}

fn missing() -> Answer {
    let mut answer = text("no such page\n");
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}

async fn file(files: &Path, name: &str) -> Answer {
    let plain = Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let name = if name.ends_with('/') {
        format!("{name}index.html")
    } else {
        name.to_owned()
    };
    match tokio::fs::read(files.join(&name)).await {
        Ok(content) if plain => {
            let mut answer = text(content);
            if name.ends_with(".html") {
                answer
                    .headers_mut()
                    .insert("content-type", HeaderValue::from_static("text/html"));
            }
            answer
        }
        _ => missing(),
    }
}

async fn sink(mut body: Incoming) -> Answer {
    let mut checker = Checker::default();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            checker.feed(&data);
        }
    }
    text(match checker.wrong_at {
        None => format!("{} octets, as sent", checker.count),
        Some(at) => format!("wrong at {at} of {}", checker.count),
    })
}

/// The head as the origin saw it: `GET /request HTTP/1.1`, then `name: value` lines, sorted.
fn describe(request: &Request<Incoming>) -> String {
    let fields = request.headers().iter();
    let mut fields: Vec<String> = fields
        .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    fields.sort();
    let first = format!(
        "{} {} {:?}\n",
        request.method(),
        request.uri(),
        request.version()
    );
    first + &fields.concat()
}

/// A body that is made while it is sent.
#[derive(Debug)]
struct Bulk {
    at: u64,
    length: u64,
}

impl Body for Bulk {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.at == self.length {
            return Poll::Ready(None);
        }
        let data = pattern::slice(self.at, self.length - self.at);
        self.at += data.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length - self.at)
    }
}
