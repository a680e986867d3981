//! Who is to blame for a [`DialError`](super::DialError), and what to answer.

use super::{
    AuthenticationFault, Cause, ConnectFailure, DialErrorKind, Hop, Inner, Path, ProxyError,
    ResolveError,
};
use super::{ProxyAnswer, Refused, SocksFault, Step, TlsFault};
use crate::attempt::is_exhaustion;

/// The party, the step, and the answer to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) hop: Hop,
    pub(super) step: Step,
    pub(super) status: u16,
    pub(super) proxy_error: ProxyError,
}

// === impl Inner ===

impl Inner {
    pub(super) fn verdict(&self) -> Verdict {
        use DialErrorKind as Kind;
        let (hop, step, (status, proxy_error)) = match &self.kind {
            Kind::Answered(answer) => (self.far(), Step::Request, answer.passed_on()),
            Kind::Authentication(AuthenticationFault::Untried, _) => {
                let answer = (503, ProxyError::ProxyInternalError);
                (Hop::Narrows, Step::Request, answer)
            }
            Kind::Authentication(..) => {
                let answer = (502, ProxyError::ProxyConfigurationError);
                (self.far(), Step::Request, answer)
            }
            Kind::Broken(_) | Kind::Closed { .. } | Kind::GoneAway(_) | Kind::StreamReset(_) => {
                let answer = (502, ProxyError::ConnectionTerminated);
                (self.far(), Step::Request, answer)
            }
            Kind::Busy { .. } => {
                let answer = (503, ProxyError::ConnectionLimitReached);
                (Hop::Narrows, Step::Connect, answer)
            }
            Kind::Connect(failure) => self.connect_verdict(failure),
            Kind::Denied { .. } => {
                // It was not the client that chose a configured hop.
                let answer = match self.path {
                    Path::Direct(_) => (403, ProxyError::DestinationIpProhibited),
                    _ => (502, ProxyError::ProxyConfigurationError),
                };
                (Hop::Narrows, Step::Decide, answer)
            }
            Kind::Nonsense(_) => {
                let answer = (502, ProxyError::HttpProtocolError);
                (self.far(), Step::Request, answer)
            }
            Kind::Resolve(error) => self.resolve_verdict(error),
            Kind::Silent => {
                let answer = (504, ProxyError::HttpResponseTimeout);
                (self.far(), Step::Request, answer)
            }
            Kind::Socks(fault) => self.socks_verdict(*fault),
            Kind::Tls(fault) => (self.far(), Step::Tls, fault.answer()),
        };
        Verdict {
            hop,
            step,
            status,
            proxy_error,
        }
    }

    fn connect_verdict(&self, failure: &ConnectFailure) -> (Hop, Step, (u16, ProxyError)) {
        let (hop, answer) = match failure.cause() {
            Cause::Exhausted | Cause::NoSource => {
                (Hop::Narrows, (503, ProxyError::ProxyInternalError))
            }
            Cause::Forbidden => (Hop::Narrows, (502, ProxyError::DestinationIpUnroutable)),
            Cause::NoAnswer => (self.far(), (504, ProxyError::ConnectionTimeout)),
            Cause::Refused => (self.far(), (502, ProxyError::ConnectionRefused)),
            Cause::Unreachable => (self.far(), (502, ProxyError::DestinationIpUnroutable)),
            Cause::Other => (self.far(), (502, ProxyError::DestinationUnavailable)),
        };
        (hop, Step::Connect, answer)
    }

    fn resolve_verdict(&self, error: &ResolveError) -> (Hop, Step, (u16, ProxyError)) {
        let (hop, answer) = match error {
            ResolveError::Other(error) if is_exhaustion(error) => {
                (Hop::Narrows, (503, ProxyError::ProxyInternalError))
            }
            ResolveError::Timeout => (self.far(), (504, ProxyError::DnsTimeout)),
            _ => (self.far(), (502, ProxyError::DnsError)),
        };
        (hop, Step::Resolve, answer)
    }

    /// What a SOCKS5 proxy says of the target is the target's fault: its codes, unlike a status, say whose
    /// it is.
    fn socks_verdict(&self, fault: SocksFault) -> (Hop, Step, (u16, ProxyError)) {
        use Refused as R;
        let refused = match fault {
            SocksFault::Closed => {
                let answer = (502, ProxyError::ConnectionTerminated);
                return (self.far(), Step::Request, answer);
            }
            SocksFault::NotSocks(_) => {
                let answer = (502, ProxyError::HttpProtocolError);
                return (self.far(), Step::Request, answer);
            }
            SocksFault::Login(AuthenticationFault::Untried) => {
                return (
                    Hop::Narrows,
                    Step::Request,
                    (503, ProxyError::ProxyInternalError),
                );
            }
            SocksFault::Login(_) | SocksFault::LoginLength(_) => {
                let answer = (502, ProxyError::ProxyConfigurationError);
                return (self.far(), Step::Request, answer);
            }
            SocksFault::Refused(refused) => refused,
        };
        let target = match self.path {
            Path::ProxyToGateway { .. } => Hop::Gateway,
            _ => Hop::Target,
        };
        match refused {
            R::ConnectionRefused => (target, Step::Connect, (502, ProxyError::ConnectionRefused)),
            R::HostUnreachable | R::NetworkUnreachable => (
                target,
                Step::Connect,
                (502, ProxyError::DestinationIpUnroutable),
            ),
            R::TtlExpired => (target, Step::Connect, (504, ProxyError::ConnectionTimeout)),
            R::NotAllowed => (
                self.far(),
                Step::Request,
                (403, ProxyError::HttpRequestDenied),
            ),
            R::AddressType | R::Command => (
                self.far(),
                Step::Request,
                (502, ProxyError::ProxyConfigurationError),
            ),
            R::General | R::Unassigned(_) => (
                self.far(),
                Step::Request,
                (502, ProxyError::DestinationUnavailable),
            ),
        }
    }

    /// The party that is resolved, dialled and asked: with a proxy on the way, the proxy until its tunnel
    /// is open.
    const fn far(&self) -> Hop {
        match self.path {
            Path::Direct(_) => Hop::Target,
            Path::Gateway { .. } => Hop::Gateway,
            Path::ProxyToGateway { .. } | Path::Through { .. } | Path::ToProxy(_) => Hop::Proxy,
        }
    }
}

// === impl TlsFault ===

impl TlsFault {
    /// What the client is told.
    const fn answer(&self) -> (u16, ProxyError) {
        match self {
            Self::Alert { .. } => (502, ProxyError::TlsAlertReceived),
            Self::Certificate(_) => (502, ProxyError::TlsCertificateError),
            Self::Silent { .. } => (504, ProxyError::ConnectionTimeout),
            _ => (502, ProxyError::TlsProtocolError),
        }
    }
}

// === impl ProxyAnswer ===

impl ProxyAnswer {
    /// What the client is told about a refusal by the proxy.
    ///
    /// A refusal by policy stays one, a far side that is down stays down, and a status that speaks of
    /// our own request (400, 405, 407) becomes 502: the client's request was not at fault.
    const fn passed_on(&self) -> (u16, ProxyError) {
        match self.status {
            // A redirect is how block pages and captive portals refuse a CONNECT.
            300..=399 | 511 => (403, ProxyError::HttpRequestDenied),
            400 | 404 | 405 | 407 | 408 | 426 | 431 => (502, ProxyError::HttpProtocolError),
            429 => (503, ProxyError::DestinationUnavailable),
            400..=499 => (403, ProxyError::HttpRequestDenied),
            503 => (503, ProxyError::DestinationUnavailable),
            504 => (504, ProxyError::ConnectionTimeout),
            502 => (502, ProxyError::DestinationUnavailable),
            _ => (502, ProxyError::HttpProtocolError),
        }
    }
}
