//! [`VerdictId`]: every pattern that the probe tells apart.

use std::fmt;
use std::str::FromStr;

use narrows_connect::ProxyError;

use crate::alert::Alert;
use crate::words::UnknownWord;

macro_rules! verdicts {
    ($($variant:ident = $id:literal, $error:expr, $summary:literal;)*) => {
        /// What was concluded, as an id that scripts may depend on. One id is one observable pattern;
        /// who is to blame and how sure that is stand beside it in a [`Verdict`](crate::Verdict).
        ///
        /// # Examples
        ///
        /// ```
        /// use narrows_tls_probe::VerdictId;
        ///
        /// let id: VerdictId = "tls.closed_after_client_hello".parse()?;
        /// assert_eq!(id, VerdictId::TlsClosedAfterClientHello);
        /// assert_eq!("tls.alert.handshake_failure".parse::<VerdictId>()?.family(), "tls");
        /// # Ok::<(), narrows_tls_probe::UnknownWord>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum VerdictId {
            $(#[doc = concat!("`", $id, "`: ", $summary, ".")] $variant,)*
            /// `tls.alert.<name>`: the handshake was ended by this alert, for which there is no id of
            /// its own.
            TlsAlert(Alert),
        }

        impl VerdictId {
            /// Every id but those of the alerts, in the order of the walk.
            const PLAIN: &'static [Self] = &[$(Self::$variant),*];

            /// The id, such as `tls.closed_after_client_hello`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $id,)*
                    Self::TlsAlert(alert) => alert.verdict(),
                }
            }

            /// The pattern in a few words, without a trailing period.
            pub const fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $summary,)*
                    Self::TlsAlert(_) => "the TLS handshake was ended by an alert",
                }
            }

            /// The word of RFC 9209 that says nearly the same, where there is one.
            pub const fn proxy_error(self) -> Option<ProxyError> {
                match self {
                    $(Self::$variant => $error,)*
                    Self::TlsAlert(_) => Some(ProxyError::TlsAlertReceived),
                }
            }
        }
    };
}

verdicts! {
    Reachable = "reachable", None, "the service answers, and is who it says it is";

    DnsBogon = "dns.bogon", Some(ProxyError::DnsError), "the name resolves to an address that no service can have";
    DnsNoAddress = "dns.no_address", Some(ProxyError::DnsError), "the name exists, but has no address";
    DnsNxdomain = "dns.nxdomain", Some(ProxyError::DnsError), "the name does not exist";
    DnsPrivateAddress = "dns.private_address", None, "the name resolves to a private address";
    DnsServerError = "dns.server_error", Some(ProxyError::DnsError), "the resolver could not answer";
    DnsSinkhole = "dns.sinkhole", Some(ProxyError::DnsError), "the name resolves to this machine or to nowhere, as a DNS filter or hosts file does";
    DnsTimeout = "dns.timeout", Some(ProxyError::DnsTimeout), "the resolver did not answer in time";

    TcpClosedOnAccept = "tcp.closed_on_accept", Some(ProxyError::ConnectionTerminated), "the connection was closed before anything was sent";
    TcpLocalDenied = "tcp.local_denied", Some(ProxyError::DestinationIpProhibited), "this machine forbids the connection";
    TcpLocalResources = "tcp.local_resources", Some(ProxyError::ProxyInternalError), "this machine has no descriptors, ports or memory left for the connection";
    TcpRefused = "tcp.refused", Some(ProxyError::ConnectionRefused), "the connection was refused";
    TcpResetOnAccept = "tcp.reset_on_accept", Some(ProxyError::ConnectionTerminated), "the connection was reset before anything was sent";
    TcpTimeout = "tcp.timeout", Some(ProxyError::ConnectionTimeout), "no answer to the connection attempt";
    TcpUnreachable = "tcp.unreachable", Some(ProxyError::DestinationIpUnroutable), "there is no way to the address";

    ProxyAuthRequired = "proxy.auth_required", Some(ProxyError::HttpRequestDenied), "the proxy wants credentials (407)";
    ProxyBadGateway = "proxy.bad_gateway", Some(ProxyError::DestinationUnavailable), "the proxy could not reach the target (500, 502)";
    ProxyClosed = "proxy.closed", Some(ProxyError::HttpResponseIncomplete), "the proxy closed the connection before its answer was complete";
    ProxyConnectRefused = "proxy.connect_refused", Some(ProxyError::ConnectionRefused), "the proxy itself refuses connections";
    ProxyConnectTimeout = "proxy.connect_timeout", Some(ProxyError::ConnectionTimeout), "the proxy itself does not answer";
    ProxyDenied = "proxy.denied", Some(ProxyError::HttpRequestDenied), "the proxy refuses this target (403)";
    ProxyExpectsTls = "proxy.expects_tls", Some(ProxyError::HttpProtocolError), "the proxy answers plain text with TLS";
    ProxyMalformed = "proxy.malformed", Some(ProxyError::HttpProtocolError), "the proxy's answer is not HTTP";
    ProxyReset = "proxy.reset", Some(ProxyError::ConnectionTerminated), "the proxy reset the connection before its answer was complete";
    ProxyResolveFailed = "proxy.resolve_failed", Some(ProxyError::DnsError), "the proxy's own name does not resolve";
    ProxyStatus = "proxy.status", Some(ProxyError::HttpProtocolError), "the proxy answers CONNECT with an unexpected status";
    ProxyTimeout = "proxy.timeout", Some(ProxyError::HttpResponseTimeout), "the proxy did not complete an answer in time";
    ProxyTlsFailed = "proxy.tls_failed", Some(ProxyError::TlsProtocolError), "TLS with the proxy itself failed";
    ProxyTunnelDropped = "proxy.tunnel_dropped", Some(ProxyError::ConnectionTerminated), "the proxy opened the tunnel and then dropped it without a byte from the target";
    ProxyUnavailable = "proxy.unavailable", Some(ProxyError::DestinationUnavailable), "the proxy says that the service is unavailable (503)";
    ProxyUnreachable = "proxy.unreachable", Some(ProxyError::DestinationIpUnroutable), "there is no way to the proxy itself";
    ProxyUpstreamTimeout = "proxy.upstream_timeout", Some(ProxyError::ConnectionTimeout), "the proxy got no answer from the target (504)";

    TlsClosedAfterClientHello = "tls.closed_after_client_hello", Some(ProxyError::ConnectionTerminated), "the connection was closed after ClientHello, without a byte";
    TlsClosedBeforeServerHello = "tls.closed_before_server_hello", Some(ProxyError::ConnectionTerminated), "the connection was closed while ClientHello was being sent";
    TlsClosedMidHandshake = "tls.closed_mid_handshake", Some(ProxyError::ConnectionTerminated), "the connection was closed in the middle of the TLS handshake";
    TlsClientCertRequired = "tls.client_cert_required", Some(ProxyError::TlsAlertReceived), "the server demands a client certificate";
    TlsLargeHelloIntolerant = "tls.large_hello_intolerant", Some(ProxyError::TlsProtocolError), "a ClientHello of more than one segment fails where a small one succeeds";
    TlsNoCommonCipher = "tls.no_common_cipher", Some(ProxyError::TlsAlertReceived), "the server speaks only cipher suites that modern clients have dropped";
    TlsNoServerHello = "tls.no_server_hello", Some(ProxyError::ConnectionReadTimeout), "no byte came back after ClientHello";
    TlsNotTls = "tls.not_tls", Some(ProxyError::TlsProtocolError), "what answers is not TLS";
    TlsPlaintextHttp = "tls.plaintext_http", Some(ProxyError::TlsProtocolError), "plain HTTP answers where TLS was expected";
    TlsProtocolError = "tls.protocol_error", Some(ProxyError::TlsProtocolError), "the server breaks the rules of TLS";
    TlsResetAfterClientHello = "tls.reset_after_client_hello", Some(ProxyError::ConnectionTerminated), "the connection was reset after ClientHello, without a byte";
    TlsResetBeforeServerHello = "tls.reset_before_server_hello", Some(ProxyError::ConnectionTerminated), "the connection was reset while ClientHello was being sent";
    TlsResetMidHandshake = "tls.reset_mid_handshake", Some(ProxyError::ConnectionTerminated), "the connection was reset in the middle of the TLS handshake";
    TlsSniFiltered = "tls.sni_filtered", Some(ProxyError::ConnectionTerminated), "the handshake fails with this name and succeeds with another on the same address";
    TlsStalledMidHandshake = "tls.stalled_mid_handshake", Some(ProxyError::ConnectionReadTimeout), "the TLS handshake began and then fell silent";
    TlsVersionUnsupported = "tls.version_unsupported", Some(ProxyError::TlsProtocolError), "the server speaks only versions of TLS below 1.2";

    AlpnDowngraded = "alpn.downgraded", None, "a lower application protocol was agreed on than the service is known to speak";
    AlpnNoOverlap = "alpn.no_overlap", Some(ProxyError::TlsAlertReceived), "no application protocol in common";

    CertClockSkew = "cert.clock_skew", Some(ProxyError::TlsCertificateError), "certificates are outside of their time because this machine's clock is wrong";
    CertExpired = "cert.expired", Some(ProxyError::TlsCertificateError), "the certificate has expired";
    CertExpiring = "cert.expiring", None, "the certificate expires soon";
    CertIncompleteChain = "cert.incomplete_chain", Some(ProxyError::TlsCertificateError), "the server does not send the intermediate certificate";
    CertIntercepted = "cert.intercepted", Some(ProxyError::TlsCertificateError), "a device opens the TLS connection and signs the certificate itself";
    CertInvalid = "cert.invalid", Some(ProxyError::TlsCertificateError), "the certificate cannot be used";
    CertNameMismatch = "cert.name_mismatch", Some(ProxyError::TlsCertificateError), "the certificate is for other names";
    CertNotYetValid = "cert.not_yet_valid", Some(ProxyError::TlsCertificateError), "the certificate is not valid yet";
    CertRevoked = "cert.revoked", Some(ProxyError::TlsCertificateError), "the certificate was revoked";
    CertSelfSigned = "cert.self_signed", Some(ProxyError::TlsCertificateError), "the certificate is signed by itself";
    CertUnknownIssuer = "cert.unknown_issuer", Some(ProxyError::TlsCertificateError), "nobody whom this machine trusts signed the certificate";

    HttpBlockPage = "http.block_page", Some(ProxyError::HttpRequestDenied), "a block page answers instead of the service";
    HttpCaptivePortal = "http.captive_portal", Some(ProxyError::HttpRequestDenied), "plain HTTP redirects to an unrelated host, as a captive portal does";
    HttpDeniedByFirewall = "http.denied_by_firewall", Some(ProxyError::HttpRequestDenied), "a firewall says in its own words that it denies the request";
    HttpEmptyReply = "http.empty_reply", Some(ProxyError::HttpResponseIncomplete), "the connection was closed without an answer to the HTTP request";
    HttpMalformed = "http.malformed", Some(ProxyError::HttpProtocolError), "the answer to the HTTP request is not HTTP";
    HttpReset = "http.reset", Some(ProxyError::ConnectionTerminated), "the connection was reset instead of an answer to the HTTP request";
    HttpTimeout = "http.timeout", Some(ProxyError::HttpResponseTimeout), "no answer to the HTTP request in time";
}

impl VerdictId {
    /// Every id, those of the named alerts included.
    pub fn all() -> impl Iterator<Item = Self> {
        let alerts = Alert::NAMED.iter().chain(&[Alert(u8::MAX)]);
        let alerts = alerts.map(|alert| Self::TlsAlert(*alert));
        Self::PLAIN.iter().copied().chain(alerts)
    }

    /// What stands before the first dot: `dns`, `tcp`, `proxy`, `tls`, `alpn`, `cert`, `http`, or
    /// `reachable`.
    pub fn family(self) -> &'static str {
        let id = self.as_str();
        id.split_once('.').map_or(id, |(family, _)| family)
    }
}

impl fmt::Display for VerdictId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for VerdictId {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::all()
            .find(|id| id.as_str() == word)
            .ok_or_else(|| UnknownWord {
                set: "verdict",
                word: word.to_owned(),
            })
    }
}

impl serde::Serialize for VerdictId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for VerdictId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::serial::text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests;
