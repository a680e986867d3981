//! A connection through a SOCKS5 proxy.

use bytes::{Bytes, BytesMut};
use narrows_connect::Credentials;
use narrows_endpoint::Target;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::{Connected, Dialer};
use crate::Upstream;
use crate::error::{AuthenticationFault, DialErrorKind, SocksFault};
use crate::socks::{self, Method, NotSocks};

/// The statuses by which HTTP proxies accept and reject credentials.
const ACCEPTED: u16 = 200;
const REJECTED: u16 = 407;

impl Dialer {
    /// Opens a connection to the target by SOCKS5. A login is offered if there is one that may be sent;
    /// whether it is sent is the proxy's choice.
    pub(super) async fn open_by_socks(
        &self,
        proxy: &Upstream,
        target: &Target,
    ) -> Result<Connected, DialErrorKind> {
        let authorization = proxy.authorize(true).await;
        let credentials = authorization.credentials();
        let mut connected = self.connect_proxy(proxy).await?;
        let mut talk = Talk {
            io: &mut connected.io,
            buf: BytesMut::new(),
            accepted: None,
        };
        let opened = timeout(self.timeouts.request, talk.open(target, credentials)).await;
        let accepted = talk.accepted;
        match accepted {
            Some(true) => authorization.conclude(ACCEPTED),
            Some(false) => authorization.conclude(REJECTED),
            None => {}
        }
        let opened = opened.map_err(|_| DialErrorKind::Silent)?;
        connected.early = opened.map_err(|kind| match kind {
            DialErrorKind::Socks(SocksFault::Login(AuthenticationFault::NotOffered)) => {
                DialErrorKind::Socks(SocksFault::Login(missing_login(proxy, credentials)))
            }
            kind => kind,
        })?;
        Ok(connected)
    }
}

/// Why no login was acceptable that could be sent.
fn missing_login(proxy: &Upstream, offered: Option<&Credentials>) -> AuthenticationFault {
    if proxy.url().credentials().is_none() {
        AuthenticationFault::NotConfigured
    } else if offered.is_some() {
        AuthenticationFault::NotOffered
    } else if proxy.rejected() {
        AuthenticationFault::RejectedBefore
    } else {
        AuthenticationFault::Untried
    }
}

/// What is said with a proxy over one connection.
struct Talk<'a, S> {
    io: &'a mut S,
    /// What has come and was not read yet.
    buf: BytesMut,
    /// What it thought of the login, if it was sent.
    accepted: Option<bool>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<'_, S> {
    /// Gives the first octets of the target.
    async fn open(
        &mut self,
        target: &Target,
        credentials: Option<&Credentials>,
    ) -> Result<Bytes, DialErrorKind> {
        self.say(socks::greeting(credentials.is_some())).await?;
        let method = self
            .hear(|buf| Ok(socks::parse_method(buf)?.map(|method| (method, 2))))
            .await?;
        match (method, credentials) {
            (Method::None, _) => {}
            (Method::Login, Some(credentials)) => self.log_in(credentials).await?,
            // Without a login it may choose none that needs one.
            (Method::Login | Method::Unacceptable, _) => {
                let fault = AuthenticationFault::NotOffered;
                return Err(DialErrorKind::Socks(SocksFault::Login(fault)));
            }
        }
        let mut request = BytesMut::new();
        socks::encode_connect(target, &mut request);
        self.say(&request).await?;
        let outcome = self.hear(socks::parse_reply).await?;
        outcome.map_err(|refused| DialErrorKind::Socks(SocksFault::Refused(refused)))?;
        Ok(self.buf.split().freeze())
    }

    async fn log_in(&mut self, credentials: &Credentials) -> Result<(), DialErrorKind> {
        let login = socks::login(credentials).map_err(SocksFault::LoginLength);
        self.say(&login.map_err(DialErrorKind::Socks)?).await?;
        let accepted = self
            .hear(|buf| Ok(socks::parse_login(buf)?.map(|yes| (yes, 2))))
            .await?;
        self.accepted = Some(accepted);
        if accepted {
            return Ok(());
        }
        let fault = AuthenticationFault::Rejected;
        Err(DialErrorKind::Socks(SocksFault::Login(fault)))
    }

    async fn say(&mut self, octets: &[u8]) -> Result<(), DialErrorKind> {
        self.io
            .write_all(octets)
            .await
            .map_err(DialErrorKind::Broken)?;
        self.io.flush().await.map_err(DialErrorKind::Broken)
    }

    /// Reads until a message is whole, and takes it out of what has come.
    async fn hear<T>(
        &mut self,
        parse: impl Fn(&[u8]) -> Result<Option<(T, usize)>, NotSocks>,
    ) -> Result<T, DialErrorKind> {
        loop {
            let parsed = parse(&self.buf).map_err(SocksFault::NotSocks);
            if let Some((message, length)) = parsed.map_err(DialErrorKind::Socks)? {
                let _ = self.buf.split_to(length);
                return Ok(message);
            }
            self.buf.reserve(64);
            let read = self.io.read_buf(&mut self.buf).await;
            if read.map_err(DialErrorKind::Broken)? == 0 {
                return Err(DialErrorKind::Socks(SocksFault::Closed));
            }
        }
    }
}
