//! [`Firewall`]: completes every TCP connection, and closes those whose ClientHello names nothing listed.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::server::Acceptor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::Failure;
use crate::outside::{self, Outside};

/// Where the names lead from inside.
pub(crate) const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A firewall that works until it is closed.
pub(crate) struct Firewall {
    listening: JoinSet<()>,
}

impl Firewall {
    /// Stands in front of everything outside; lets TLS to the listed names pass.
    pub(crate) async fn open(listed: Vec<String>, outside: &Outside) -> Result<Self, Failure> {
        let listed = Arc::new(listed);
        let mut listening = JoinSet::new();
        for port in [outside.port, outside.gateway.port()] {
            let listener = TcpListener::bind((ADDRESS, port)).await?;
            let listed = Arc::clone(&listed);
            listening.spawn(async move {
                let mut passing = JoinSet::new();
                while let Ok((client, _)) = listener.accept().await {
                    let far = SocketAddr::new(outside::ADDRESS, port);
                    passing.spawn(pass(client, far, Arc::clone(&listed)));
                }
            });
        }
        Ok(Self { listening })
    }

    /// Ends all connections, and gives its addresses back.
    pub(crate) async fn close(mut self) {
        self.listening.shutdown().await;
    }
}

/// Looks into the first flight, then relays or closes.
async fn pass(mut client: TcpStream, far: SocketAddr, listed: Arc<Vec<String>>) -> io::Result<()> {
    let mut hello = Vec::new();
    let name = server_name(&mut client, &mut hello).await?;
    if !name.is_some_and(|name| listed.contains(&name)) {
        return Ok(()); // The connection closes without a word.
    }
    let mut far = TcpStream::connect(far).await?;
    // Small records must not wait for each other's acknowledgements.
    client.set_nodelay(true)?;
    far.set_nodelay(true)?;
    far.write_all(&hello).await?;
    let ((mut from, mut to), (mut far_from, mut far_to)) = (split(client), split(far));
    let there = async {
        copy(&mut from, &mut far_to).await?;
        far_to.shutdown().await
    };
    let back = async {
        copy(&mut far_from, &mut to).await?;
        to.shutdown().await
    };
    tokio::try_join!(there, back).map(drop)
}

/// The name in the ClientHello (RFC 6066 §3); `hello` keeps all that was read to find it.
async fn server_name(client: &mut TcpStream, hello: &mut Vec<u8>) -> io::Result<Option<String>> {
    let mut acceptor = Acceptor::default();
    loop {
        let before = hello.len();
        if client.read_buf(hello).await? == 0 {
            return Ok(None);
        }
        let mut new = &hello[before..];
        while !new.is_empty() {
            acceptor.read_tls(&mut new)?;
        }
        match acceptor.accept() {
            Ok(None) => {}
            Ok(Some(accepted)) => {
                let name = accepted.client_hello().server_name().map(ToOwned::to_owned);
                return Ok(name);
            }
            Err(_) => return Ok(None),
        }
    }
}
