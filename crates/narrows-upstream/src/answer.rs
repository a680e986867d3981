//! [`ProxyAnswer`]: what a proxy said instead of opening the tunnel.

use std::fmt;

use narrows_connect::{Response, printable};

/// A proxy's final answer to CONNECT that was not a 2xx.
///
/// Every text is printable and on one line: the proxy, or whoever answered in its place, is not
/// trusted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProxyAnswer {
    /// The status code, 300 to 999.
    pub status: u16,
    /// The reason phrase; may be empty.
    pub reason: String,
    /// The schemes of `Proxy-Authenticate`, in lower case and in the proxy's order.
    pub schemes: Vec<String>,
    /// The product that answered, by its `Server` or `Via` header.
    pub product: Option<String>,
    /// The proxy's own word for the fault (`X-Squid-Error`, or else `Proxy-Status`).
    pub fault: Option<String>,
    /// The visible text of the body's beginning; may be empty.
    pub excerpt: String,
}

// === impl ProxyAnswer ===

impl ProxyAnswer {
    pub(crate) fn new(response: Response, excerpt: String) -> Self {
        let product = response.server.or(response.via);
        Self {
            status: response.status,
            reason: printable(&response.reason),
            schemes: response.challenges.iter().map(|s| printable(s)).collect(),
            product: product.map(|text| printable(&text)),
            fault: response.fault.map(|text| printable(&text)),
            excerpt,
        }
    }

    /// Whether `Proxy-Authenticate` offers this scheme (lower case).
    pub(crate) fn offers(&self, scheme: &str) -> bool {
        self.schemes.iter().any(|offered| offered == scheme)
    }
}

/// `403 Forbidden from squid/6.6, ERR_ACCESS_DENIED 0 ("Access Denied.")`.
impl fmt::Display for ProxyAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if !self.reason.is_empty() {
            write!(f, " {}", self.reason)?;
        }
        if let Some(product) = &self.product {
            write!(f, " from {product}")?;
        }
        if let Some(fault) = &self.fault {
            write!(f, ", {fault}")?;
        }
        if !self.excerpt.is_empty() {
            write!(f, " (\"{}\")", self.excerpt)?;
        }
        Ok(())
    }
}
