//! A WebSocket server that echoes, over TLS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use rustls::{ClientConnection, ServerConfig, ServerConnection, StreamOwned};
use tungstenite::WebSocket;

use crate::raw::Raw;
use crate::tls::Tls;

/// Starts a server that sends every message back until the client closes.
///
/// # Panics
///
/// When there is no free port.
pub fn echo(tls: &Tls) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let config = Arc::new(tls.server.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let config = Arc::clone(&config);
            std::thread::spawn(move || serve(config, stream));
        }
    });
    address
}

/// Opens a WebSocket to `wss://host:port/` over a connection that already reaches it.
///
/// # Panics
///
/// When either handshake fails.
pub fn open(tls: &Tls, connection: Raw, host: &str, port: u16) -> WebSocket<impl Read + Write> {
    let name = host.to_owned().try_into().expect("a name");
    let session = ClientConnection::new(Arc::clone(&tls.client), name).expect("a session");
    let stream = StreamOwned::new(session, connection.into_inner());
    let (socket, _) = tungstenite::client(format!("wss://{host}:{port}/"), stream)
        .unwrap_or_else(|error| panic!("WebSocket handshake: {error}"));
    socket
}

fn serve(config: Arc<ServerConfig>, stream: TcpStream) {
    let session = ServerConnection::new(config).expect("a session");
    let Ok(mut socket) = tungstenite::accept(StreamOwned::new(session, stream)) else {
        return;
    };
    while let Ok(message) = socket.read() {
        if message.is_close() {
            // The library has queued the answering close frame; this sends it.
            let _ = socket.flush();
            return;
        }
        if (message.is_text() || message.is_binary()) && socket.send(message).is_err() {
            return;
        }
    }
}
