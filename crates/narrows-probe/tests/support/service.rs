//! A stand-in for the allowlist service: HTTPS on loopback, answering what the test says.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// The service; dropping it ends it.
pub(crate) struct Service {
    address: SocketAddr,
    ca: PathBuf,
    answer: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
    /// Runs the connections.
    _runtime: Runtime,
}

impl Service {
    /// Listens, with a certificate for `localhost` whose authority is written into `directory`.
    pub(crate) fn start(directory: &Path, answer: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let ca = directory.join("service-ca.pem");
        std::fs::write(&ca, made.cert.pem()).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let runtime = Runtime::new().unwrap();
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(Mutex::new(answer.to_owned()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        runtime.spawn(serve(
            listener,
            acceptor,
            Arc::clone(&answer),
            Arc::clone(&asked),
        ));
        Self {
            address,
            ca,
            answer,
            asked,
            _runtime: runtime,
        }
    }

    /// For `--allowlist-url`.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/urls/allowlist", self.address.port())
    }

    /// For `--ca-file`.
    pub(crate) fn ca(&self) -> &str {
        self.ca.to_str().unwrap()
    }

    /// What is answered from now on: a status and a body.
    pub(crate) fn answer(&self, answer: &str) {
        answer.clone_into(&mut self.answer.lock().unwrap());
    }

    /// The request lines so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A 200 with these names.
pub(crate) fn names(names: &[&str]) -> String {
    let body = format!(
        "[{}]",
        names
            .iter()
            .map(|name| format!("{name:?}"))
            .collect::<Vec<_>>()
            .join(",")
    );
    response("200 OK", &body)
}

/// An answer with this status and body.
pub(crate) fn response(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    answer: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
) {
    while let Ok((io, _)) = listener.accept().await {
        let Ok(mut io) = acceptor.accept(io).await else {
            continue;
        };
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = io.read_u8().await else { break };
            head.push(byte);
        }
        let head = String::from_utf8_lossy(&head);
        asked
            .lock()
            .unwrap()
            .push(head.lines().next().unwrap_or_default().to_owned());
        let answer = answer.lock().unwrap().clone();
        let _ = io.write_all(answer.as_bytes()).await;
        let _ = io.shutdown().await;
    }
}
