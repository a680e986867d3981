//! Doubles of the parties beyond the proxy: a gateway and an enterprise proxy, a thread per connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a double received, in order of arrival.
pub(crate) type Heard = Arc<Mutex<Vec<u8>>>;

/// A gateway on 127.0.0.1 that speaks HTTP/1.1 inside TLS.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    /// Its certificate in PEM, which is its own authority.
    pub(crate) certificate: String,
    /// The CONNECT heads that it received inside TLS.
    pub(crate) heard: Heard,
}

impl Gateway {
    /// Carries tunnels to `carried`, where each byte comes back as it went; refuses all others with 403.
    pub(crate) fn start(carried: &'static str) -> Self {
        let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = own.signing_key.serialize_der().try_into().unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let (config, heard) = (Arc::new(config), Heard::default());
        let told = heard.clone();
        let address = serve(move |socket| {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut tls = BufReader::new(StreamOwned::new(connection, socket));
            let Some(head) = head(&mut tls) else { return };
            told.lock().unwrap().extend_from_slice(&head);
            if !head.starts_with(format!("CONNECT {carried} ").as_bytes()) {
                let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
                let _ = tls.get_mut().write_all(refusal);
                return;
            }
            let _ = tls.get_mut().write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            let mut bytes = [0; 1024];
            while let Ok(n @ 1..) = tls.read(&mut bytes) {
                if tls.get_mut().write_all(&bytes[..n]).is_err() {
                    return;
                }
            }
            let tls = tls.get_mut();
            tls.conn.send_close_notify();
            let _ = tls.flush();
        });
        Self {
            address,
            certificate: own.cert.pem(),
            heard,
        }
    }
}

/// An enterprise proxy on 127.0.0.1 that carries every tunnel, and keeps what clients send.
pub(crate) fn enterprise_proxy() -> (SocketAddr, Heard) {
    let heard = Heard::default();
    let told = heard.clone();
    let address = serve(move |socket| {
        let mut client = BufReader::new(socket);
        let Some(head) = head(&mut client) else {
            return;
        };
        told.lock().unwrap().extend_from_slice(&head);
        let head = String::from_utf8(head).unwrap();
        let mut far = TcpStream::connect(head.split(' ').nth(1).unwrap()).unwrap();
        let (mut back, mut from_far) = (
            client.get_ref().try_clone().unwrap(),
            far.try_clone().unwrap(),
        );
        back.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        thread::spawn(move || {
            let _ = std::io::copy(&mut from_far, &mut back);
            let _ = back.shutdown(Shutdown::Write);
        });
        let mut bytes = [0; 1024];
        while let Ok(n @ 1..) = client.read(&mut bytes) {
            told.lock().unwrap().extend_from_slice(&bytes[..n]);
            if far.write_all(&bytes[..n]).is_err() {
                break;
            }
        }
        let _ = far.shutdown(Shutdown::Write);
    });
    (address, heard)
}

/// What was heard so far, as text.
pub(crate) fn text(heard: &Heard) -> String {
    String::from_utf8_lossy(&heard.lock().unwrap()).into_owned()
}

fn serve(one: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let (one, socket) = (one.clone(), socket.unwrap());
            thread::spawn(move || one(socket));
        }
    });
    address
}

/// A request head with its blank line; none if the connection ends before.
fn head(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(reader.read_until(b'\n', &mut head), Ok(1..)) {
            return None;
        }
    }
    Some(head)
}
