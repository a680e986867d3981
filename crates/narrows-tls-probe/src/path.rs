//! [`Path`]: the hops between this machine and a target.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;
use std::sync::{Arc, OnceLock};

use narrows_connect::Credentials;
use narrows_endpoint::{Host, Target};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;

use crate::words::HopKind;

/// The way to a target: no hop, or one or more that CONNECT leads through, the nearest first.
///
/// With a hop, the target's name is left to the last one to resolve.
///
/// # Examples
///
/// ```
/// use narrows_tls_probe::{Hop, Path};
///
/// let proxy = Hop::proxy("proxy.example:3128".parse()?);
/// let gateway = Hop::gateway("gateway.example:443".parse()?);
/// assert_eq!(Path::direct().label(), "direct");
/// let path = Path::through(proxy).then(gateway);
/// assert_eq!(path.label(), "proxy=proxy.example:3128,gateway=gateway.example:443");
/// # Ok::<(), narrows_endpoint::TargetError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Path {
    hops: Vec<Hop>,
    label: Option<String>,
}

/// A party that opens a tunnel when asked with CONNECT. Cloning is cheap.
#[derive(Clone)]
pub struct Hop(Arc<Inner>);

/// What a hop may ask for, as the value of `Proxy-Authorization`. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization(Box<str>);

/// A text that cannot stand in a header as a bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is empty, or holds a character that no token has")]
pub struct TokenError;

#[derive(Clone)]
struct Inner {
    kind: HopKind,
    address: Target,
    tls: bool,
    authorization: Option<Authorization>,
    authorities: Vec<CertificateDer<'static>>,
    /// Made once, by the first probe that comes this way.
    verifier: OnceLock<Result<Arc<dyn ServerCertVerifier>, String>>,
}

// === impl Path ===

impl Path {
    /// Straight to the target.
    pub fn direct() -> Self {
        Self::default()
    }

    /// Through a proxy on this machine, as `narrows-proxy` is: 127.0.0.1:40343.
    pub fn local() -> Self {
        const PORT: NonZeroU16 = NonZeroU16::new(40343).expect("not zero");
        let host = Host::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Self {
            label: Some("local".to_owned()),
            ..Self::through(Hop::proxy(Target::new(host, PORT)))
        }
    }

    /// Through one hop.
    pub fn through(hop: Hop) -> Self {
        Self {
            hops: vec![hop],
            label: None,
        }
    }

    /// The same, and then through another hop.
    #[must_use]
    pub fn then(mut self, hop: Hop) -> Self {
        self.hops.push(hop);
        self
    }

    /// The same, called something else in reports.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The hops, the nearest first.
    pub fn hops(&self) -> &[Hop] {
        &self.hops
    }

    /// What reports call it: `direct`, `local`, or the hops by kind and address.
    pub fn label(&self) -> String {
        match &self.label {
            Some(label) => label.clone(),
            None if self.hops.is_empty() => "direct".to_owned(),
            None => {
                let hops = self
                    .hops
                    .iter()
                    .map(|hop| format!("{}={}", hop.kind(), hop.address()));
                hops.collect::<Vec<_>>().join(",")
            }
        }
    }
}

// === impl Hop ===

impl Hop {
    /// An upstream proxy in plain text.
    pub fn proxy(address: Target) -> Self {
        Self::new(HopKind::Proxy, address, false)
    }

    /// A gateway: CONNECT inside TLS, HTTP/1.1.
    pub fn gateway(address: Target) -> Self {
        Self::new(HopKind::Gateway, address, true)
    }

    /// Speaks TLS to the hop, as gateways want anyway.
    #[must_use]
    pub fn with_tls(self) -> Self {
        self.change(|inner| inner.tls = true)
    }

    /// Sends this with CONNECT. The probe sends it unasked: it tries the path, not the negotiation.
    #[must_use]
    pub fn with_authorization(self, authorization: Authorization) -> Self {
        self.change(|inner| inner.authorization = Some(authorization))
    }

    /// Trusts these authorities for the hop's own certificate too, beside those of the prober.
    ///
    /// The first prober that comes this way decides what "beside" means for this hop and its clones: do not
    /// share one between probers that trust differently.
    #[must_use]
    pub fn with_authorities(self, authorities: Vec<CertificateDer<'static>>) -> Self {
        self.change(|inner| inner.authorities = authorities)
    }

    /// Whether it is a proxy or a gateway.
    pub fn kind(&self) -> HopKind {
        self.0.kind
    }

    /// Its host and port.
    pub fn address(&self) -> &Target {
        &self.0.address
    }

    /// Whether it is spoken to inside TLS.
    pub fn is_tls(&self) -> bool {
        self.0.tls
    }

    pub(crate) fn authorization(&self) -> Option<&Authorization> {
        self.0.authorization.as_ref()
    }

    pub(crate) fn authorities(&self) -> &[CertificateDer<'static>] {
        &self.0.authorities
    }

    pub(crate) fn verifier(&self) -> &OnceLock<Result<Arc<dyn ServerCertVerifier>, String>> {
        &self.0.verifier
    }

    fn new(kind: HopKind, address: Target, tls: bool) -> Self {
        Self(Arc::new(Inner {
            kind,
            address,
            tls,
            authorization: None,
            authorities: Vec::new(),
            verifier: OnceLock::new(),
        }))
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        inner.verifier = OnceLock::new();
        change(inner);
        self
    }
}

impl fmt::Debug for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hop")
            .field("kind", &self.kind())
            .field("address", self.address())
            .field("tls", &self.is_tls())
            .field("authorization", &self.authorization())
            .field("authorities", &self.authorities().len())
            .finish()
    }
}

// === impl Authorization ===

impl Authorization {
    /// A user and password (RFC 7617).
    pub fn basic(credentials: &Credentials) -> Self {
        Self(credentials.basic().into())
    }

    /// A bearer token (RFC 6750).
    ///
    /// # Errors
    ///
    /// [`TokenError`] if it is empty or holds anything but visible ASCII. The text is never shown.
    pub fn bearer(token: &str) -> Result<Self, TokenError> {
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError);
        }
        Ok(Self(format!("Bearer {token}").into()))
    }

    /// The value of the header: a secret.
    pub(crate) fn value(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(hidden)")
    }
}
