//! The sentences of [`DialError`]: what was tried, what happened, and what to look at.

use std::fmt;

use super::{
    AuthenticationFault, Cause, ConnectFailure, DialError, DialErrorKind, Path, ProxyAnswer,
    ResolveError,
};

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence(f)?;
        match self.earlier() {
            Some(earlier) => write!(f, "; before that, {earlier}"),
            None => Ok(()),
        }
    }
}

impl DialError {
    fn sentence(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use DialErrorKind as Kind;
        let path = &self.0.path;
        let seconds = self.0.elapsed.as_secs_f64();
        match &self.0.kind {
            Kind::Answered(answer) => refused(f, path, answer),
            Kind::Authentication(fault, answer) => unauthorized(f, path, *fault, answer),
            Kind::Broken(error) => write!(
                f,
                "the connection to {path} broke before it answered{}: {error}",
                Connect(path)
            ),
            Kind::Busy { sessions, tunnels } => write!(
                f,
                "{path} has no room for another tunnel: {tunnels} tunnels on {sessions} sessions, and \
                 nothing became free in {seconds:.1} s"
            ),
            Kind::Closed { received: 0 } => write!(
                f,
                "{path} closed the connection without answering{} (is it an {} that serves this \
                 machine?)",
                Connect(path),
                path.kind()
            ),
            Kind::Closed { received } => write!(
                f,
                "{path} closed the connection after {received} octets of its answer to{}",
                Connect(path)
            ),
            Kind::Connect(failure) => not_connected(f, path, failure, seconds),
            Kind::Denied {
                address,
                addresses,
                denied,
            } => {
                write!(f, "{path} may not be reached at {address}: {denied}")?;
                match addresses {
                    1 => Ok(()),
                    _ => write!(f, "; all its {addresses} addresses are denied"),
                }
            }
            Kind::GoneAway(reason) => write!(
                f,
                "{path} ended its session before it answered{} (GOAWAY, {reason}; is it restarting?)",
                Connect(path)
            ),
            Kind::Nonsense(error) => write!(
                f,
                "{path} did not answer{} in HTTP: {error} (is it an {}?)",
                Connect(path),
                path.kind()
            ),
            Kind::Resolve(error) => not_resolved(f, path, error),
            Kind::Silent => write!(
                f,
                "{path} did not answer{} in time, after {seconds:.1} s (it may be waiting for the {})",
                Connect(path),
                path.waits_for()
            ),
            Kind::Socks(fault) => match path {
                Path::Through { target, .. } => write!(f, "{path}, asked for {target}, {fault}"),
                _ => write!(f, "{path} {fault}"),
            },
            Kind::StreamReset(reason) => write!(
                f,
                "{path} reset{} instead of answering it ({reason})",
                Connect(path)
            ),
            Kind::Tls(fault) => write!(f, "{path} {fault}"),
        }
    }
}

fn refused(f: &mut fmt::Formatter<'_>, path: &Path, answer: &ProxyAnswer) -> fmt::Result {
    let (verb, hint) = match answer.status {
        300..=399 | 511 => (
            "redirected",
            " (a login page or a block page stands in the way)",
        ),
        400 | 404 | 405 | 426 | 501 => (
            "did not accept",
            " (is it a forward proxy that allows CONNECT to this port?)",
        ),
        502..=504 => ("could not complete", path.works()),
        403 if matches!(path, Path::Gateway { .. }) => {
            ("refused", " (the gateway's policy does not carry it)")
        }
        _ => ("refused", ""),
    };
    write!(f, "{path} {verb}{}: {answer}{hint}", Connect(path))
}

fn unauthorized(
    f: &mut fmt::Formatter<'_>,
    path: &Path,
    fault: AuthenticationFault,
    answer: &ProxyAnswer,
) -> fmt::Result {
    write!(f, "{path} wants credentials")?;
    if answer.schemes.is_empty() {
        f.write_str(" without naming a scheme")?;
    } else {
        write!(f, " by {}", answer.schemes.join(", "))?;
    }
    match fault {
        AuthenticationFault::NotOffered if answer.schemes.is_empty() => {
            f.write_str(", so none were sent")?;
        }
        fault => write!(f, ", {fault}")?,
    }
    write!(f, ": {answer}")
}

fn not_connected(
    f: &mut fmt::Formatter<'_>,
    path: &Path,
    failure: &ConnectFailure,
    seconds: f64,
) -> fmt::Result {
    write!(f, "cannot connect to {path}: {failure}")?;
    let cause = failure.cause();
    if cause == Cause::NoAnswer {
        write!(f, " after {seconds:.1} s")?;
    }
    let hint = match (cause, path) {
        (Cause::Exhausted, _) => "this machine ran out of descriptors, memory or ports",
        (Cause::Forbidden, _) => "this machine's own firewall or sandbox forbids it",
        (Cause::NoSource, _) => "this machine has no address of that family",
        (Cause::Other, _) => return Ok(()),
        (Cause::Unreachable, _) => {
            "no way leads there, or a firewall says so: is this machine's network up?"
        }
        (Cause::Refused, Path::Direct(_)) => "nothing listens there, or a firewall rejects it",
        (_, Path::Direct(_)) => "a firewall may block it: does this machine need a proxy?",
        (Cause::Refused, Path::Gateway { .. }) => {
            "nothing listens there, or a firewall rejects it: is the gateway's address right?"
        }
        (_, Path::Gateway { .. }) => {
            "a firewall may block it: is the gateway's name let through, or is a proxy needed?"
        }
        (Cause::Refused, _) => "is the proxy's address right, and is it running?",
        (_, _) => "is the proxy's address right, and may this machine reach it?",
    };
    write!(f, " ({hint})")
}

fn not_resolved(f: &mut fmt::Formatter<'_>, path: &Path, error: &ResolveError) -> fmt::Result {
    let hint = match (error, path) {
        (ResolveError::NotFound, Path::Direct(_)) => {
            "is it spelled right? where DNS knows no outside names, a proxy is needed"
        }
        (ResolveError::NotFound, Path::Gateway { .. }) => {
            "is the gateway's name right? where DNS knows no outside names, a proxy is needed"
        }
        (ResolveError::NotFound, _) => "is the proxy's name right?",
        _ => "does DNS work on this machine?",
    };
    write!(f, "cannot resolve {path}: {error} ({hint})")
}

/// ` CONNECT host:port`, or nothing if no target was named.
struct Connect<'a>(&'a Path);

impl fmt::Display for Connect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Path::Gateway {
                target: Some(target),
                ..
            }
            | Path::ProxyToGateway {
                gateway: target, ..
            }
            | Path::Through { target, .. } => write!(f, " CONNECT {target}"),
            Path::Direct(_) | Path::Gateway { .. } | Path::ToProxy(_) => Ok(()),
        }
    }
}

impl Path {
    /// What the party should be.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Gateway { .. } => "HTTPS proxy",
            _ => "HTTP proxy",
        }
    }

    /// Whom a party waits for that does not answer.
    const fn waits_for(&self) -> &'static str {
        match self {
            Self::ProxyToGateway { .. } => "gateway",
            _ => "target",
        }
    }

    /// What it means that the party speaks of a fault behind it.
    const fn works(&self) -> &'static str {
        match self {
            Self::Gateway { .. } => " (the gateway works; the target may not)",
            Self::ProxyToGateway { .. } => {
                " (the proxy works; the gateway may not, or the proxy cannot reach it)"
            }
            _ => " (the proxy works; the target may not)",
        }
    }
}

/// The party that is dialled: `example.com:443`, `proxy 10.0.0.1:3128` or
/// `gateway gw.example:443 through proxy 10.0.0.1:3128`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(target) => target.fmt(f),
            Self::Gateway {
                gateway,
                proxy: None,
                ..
            } => write!(f, "gateway {gateway}"),
            Self::Gateway {
                gateway,
                proxy: Some(proxy),
                ..
            } => write!(f, "gateway {gateway} through proxy {proxy}"),
            Self::ProxyToGateway { proxy, .. }
            | Self::Through { proxy, .. }
            | Self::ToProxy(proxy) => write!(f, "proxy {proxy}"),
        }
    }
}
