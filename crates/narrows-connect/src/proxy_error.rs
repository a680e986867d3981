//! [`ProxyError`]: the error types of RFC 9209.

use std::fmt;

macro_rules! proxy_errors {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal;)*) => {
        /// A proxy error type of RFC 9209 §2.3, the value of `error=` in `Proxy-Status`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ProxyError {
            $($(#[$doc])* $variant,)*
        }

        impl ProxyError {
            /// Every error type, for tables.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The registered name, a token.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The status that the RFC recommends; where it leaves the choice, the plainest one.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),* }
            }
        }
    };
}

proxy_errors! {
    /// This proxy serves as many connections to the next hop as it may.
    ConnectionLimitReached = "connection_limit_reached", 503;
    /// The next hop was silent for too long while it was to send.
    ConnectionReadTimeout = "connection_read_timeout", 504;
    /// The next hop refused the connection.
    ConnectionRefused = "connection_refused", 502;
    /// The next hop closed or reset the connection before its answer was complete.
    ConnectionTerminated = "connection_terminated", 502;
    /// No connection to the next hop in time.
    ConnectionTimeout = "connection_timeout", 504;
    /// The next hop took no bytes for too long.
    ConnectionWriteTimeout = "connection_write_timeout", 504;
    /// This proxy is not configured to reach an address of the next hop.
    DestinationIpProhibited = "destination_ip_prohibited", 502;
    /// No route to the next hop.
    DestinationIpUnroutable = "destination_ip_unroutable", 502;
    /// This proxy knows no next hop for the request.
    DestinationNotFound = "destination_not_found", 500;
    /// The next hop is known to be down.
    DestinationUnavailable = "destination_unavailable", 503;
    /// The name of the next hop does not resolve.
    DnsError = "dns_error", 502;
    /// The name of the next hop did not resolve in time.
    DnsTimeout = "dns_timeout", 504;
    /// The next hop did not answer as HTTP allows.
    HttpProtocolError = "http_protocol_error", 502;
    /// Policy forbids the request.
    HttpRequestDenied = "http_request_denied", 403;
    /// The client's request is at fault.
    HttpRequestError = "http_request_error", 400;
    /// The head of the answer is too large.
    HttpResponseHeaderSectionSize = "http_response_header_section_size", 502;
    /// The answer ended early.
    HttpResponseIncomplete = "http_response_incomplete", 502;
    /// No complete answer in time.
    HttpResponseTimeout = "http_response_timeout", 504;
    /// The next hop did not upgrade the connection.
    HttpUpgradeFailed = "http_upgrade_failed", 502;
    /// This proxy's configuration is at fault.
    ProxyConfigurationError = "proxy_configuration_error", 500;
    /// This proxy failed.
    ProxyInternalError = "proxy_internal_error", 500;
    /// This proxy answered by itself, without the next hop.
    ProxyInternalResponse = "proxy_internal_response", 500;
    /// The request came round to this proxy again.
    ProxyLoopDetected = "proxy_loop_detected", 502;
    /// The next hop ended the TLS handshake with an alert.
    TlsAlertReceived = "tls_alert_received", 502;
    /// The next hop's certificate is not good.
    TlsCertificateError = "tls_certificate_error", 502;
    /// The TLS handshake failed.
    TlsProtocolError = "tls_protocol_error", 502;
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
