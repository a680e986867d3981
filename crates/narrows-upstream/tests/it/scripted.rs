//! A proxy that says what it was told to say, and remembers what it heard.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use narrows_upstream::{Dialer, StaticResolver, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the proxy does after its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    /// Sends back what it receives.
    Echo,
    /// Closes.
    Close,
    /// Resets.
    Reset,
    /// Keeps the connection and says nothing.
    Hang,
}

/// One connection's script.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script(pub(crate) &'static str, pub(crate) Then);

/// A scripted proxy on a loopback port.
pub(crate) struct Proxy {
    pub(crate) addr: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Answers each connection as `script` says for the head it received.
    pub(crate) async fn start(script: impl Fn(&str) -> Script + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((mut io, _)) = listener.accept().await {
                let head = read_head(&mut io).await;
                heard.lock().unwrap().push(head.clone());
                let Script(answer, then) = script(&head);
                tokio::spawn(play(io, answer, then));
            }
        });
        Self { addr, heads }
    }

    /// A proxy with one script for all connections.
    pub(crate) async fn always(answer: &'static str, then: Then) -> Self {
        Self::start(move |_| Script(answer, then)).await
    }

    /// Everything that was received on each connection before the answer was sent.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// How many connections carried credentials.
    pub(crate) fn logins(&self) -> usize {
        let heads = self.heads();
        heads.iter().filter(|head| has_login(head)).count()
    }
}

pub(crate) fn has_login(head: &str) -> bool {
    head.contains("\r\nProxy-Authorization: Basic ")
}

/// A dialler that knows only `target.example` and `proxy.example`, both on 127.0.0.1.
pub(crate) fn dialer() -> Dialer {
    let here = [[127, 0, 0, 1].into()];
    let resolver = StaticResolver::new()
        .with("target.example".parse().unwrap(), here)
        .with("proxy.example".parse().unwrap(), here);
    Dialer::new(resolver, Timeouts::default())
}

/// The same, but it gives up on a proxy's answer at once: for proxies from which nothing ever comes. What
/// comes may be late on a slow machine.
pub(crate) fn impatient() -> Dialer {
    let timeouts = Timeouts {
        request: Duration::from_millis(50),
        ..Timeouts::default()
    };
    Dialer::new(StaticResolver::new(), timeouts)
}

/// Reads to the end of the head, and whatever has come behind it.
async fn read_head(io: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if io.read_buf(&mut head).await.unwrap_or(0) == 0 {
            break;
        }
    }
    String::from_utf8(head).unwrap()
}

async fn play(mut io: TcpStream, answer: &'static str, then: Then) {
    // The dialler may have given up in the middle: that is its right.
    let _ = io.write_all(answer.as_bytes()).await;
    match then {
        Then::Close => {}
        Then::Echo => {
            let (mut from, mut to) = io.split();
            let _ = tokio::io::copy(&mut from, &mut to).await;
        }
        Then::Hang => {
            let _ = io.read(&mut [0]).await;
        }
        Then::Reset => {
            let socket = socket2::SockRef::from(&io);
            socket.set_linger(Some(Duration::ZERO)).unwrap();
        }
    }
}
