use std::io::ErrorKind;
use std::net::SocketAddr;

use narrows_connect::{Limits, Status, parse_response};

use super::*;
use crate::attempt::Attempt;

const TARGET: &str = "example.com:443";
const PROXY: &str = "10.0.0.1:3128";

fn direct() -> Path {
    Path::Direct(TARGET.parse().unwrap())
}

fn through() -> Path {
    Path::Through {
        proxy: PROXY.parse().unwrap(),
        target: TARGET.parse().unwrap(),
    }
}

fn error(path: Path, kind: DialErrorKind) -> DialError {
    DialError::new(path, Duration::from_millis(1500), kind)
}

fn answer(head: &str, excerpt: &str) -> Box<ProxyAnswer> {
    match parse_response(head.as_bytes(), &Limits::default()) {
        Ok(Status::Complete(head)) => Box::new(ProxyAnswer::new(head, excerpt.into())),
        other => panic!("{other:?}"),
    }
}

fn answered(status: u16) -> DialErrorKind {
    DialErrorKind::Answered(answer(&format!("HTTP/1.1 {status} Why\r\n\r\n"), ""))
}

fn failed(error: impl Into<io::Error>) -> DialErrorKind {
    let peer = SocketAddr::from(([192, 0, 2, 1], 443));
    let error = Some(error.into());
    DialErrorKind::Connect(ConnectFailure::new(vec![Attempt { peer, error }], 1))
}

fn denied() -> DialErrorKind {
    DialErrorKind::Denied {
        address: [127, 0, 0, 1].into(),
        addresses: 1,
        denied: Denied::new("loopback address"),
    }
}

fn nonsense() -> DialErrorKind {
    let error = parse_response(b"SSH-2.0", &Limits::default()).unwrap_err();
    DialErrorKind::Nonsense(error)
}

#[test]
fn blame_and_answer() {
    let exhausted = || rustix::io::Errno::MFILE;
    for (path, kind, expected) in [
        (
            direct(),
            failed(ErrorKind::ConnectionRefused),
            "target connect 502 connection_refused",
        ),
        (
            direct(),
            failed(ErrorKind::TimedOut),
            "target connect 504 connection_timeout",
        ),
        (
            direct(),
            failed(ErrorKind::HostUnreachable),
            "target connect 502 destination_ip_unroutable",
        ),
        (
            direct(),
            failed(exhausted()),
            "narrows connect 503 proxy_internal_error",
        ),
        (
            direct(),
            failed(ErrorKind::AddrNotAvailable),
            "narrows connect 503 proxy_internal_error",
        ),
        (
            direct(),
            denied(),
            "narrows decide 403 destination_ip_prohibited",
        ),
        (
            direct(),
            ResolveError::NotFound.into(),
            "target resolve 502 dns_error",
        ),
        (
            direct(),
            ResolveError::Timeout.into(),
            "target resolve 504 dns_timeout",
        ),
        (
            direct(),
            ResolveError::Other(exhausted().into()).into(),
            "narrows resolve 503 proxy_internal_error",
        ),
        (
            through(),
            ResolveError::NotFound.into(),
            "proxy resolve 502 dns_error",
        ),
        (
            through(),
            failed(ErrorKind::ConnectionRefused),
            "proxy connect 502 connection_refused",
        ),
        (
            through(),
            failed(ErrorKind::TimedOut),
            "proxy connect 504 connection_timeout",
        ),
        (
            through(),
            failed(exhausted()),
            "narrows connect 503 proxy_internal_error",
        ),
        (
            through(),
            DialErrorKind::Closed { received: 0 },
            "proxy request 502 connection_terminated",
        ),
        (
            through(),
            DialErrorKind::Broken(ErrorKind::ConnectionReset.into()),
            "proxy request 502 connection_terminated",
        ),
        (
            through(),
            DialErrorKind::Silent,
            "proxy request 504 http_response_timeout",
        ),
        (
            through(),
            nonsense(),
            "proxy request 502 http_protocol_error",
        ),
    ] {
        assert_verdict(&error(path, kind), expected);
    }
}

#[test]
fn a_proxys_answer_is_passed_on_in_our_words() {
    for (statuses, expected) in [
        (
            &[403, 451, 470, 402, 418, 302, 511][..],
            "403 http_request_denied",
        ),
        (
            &[400, 404, 405, 426, 500, 501, 599, 101],
            "502 http_protocol_error",
        ),
        (&[502], "502 destination_unavailable"),
        (&[429, 503], "503 destination_unavailable"),
        (&[504], "504 connection_timeout"),
    ] {
        for &status in statuses {
            let error = error(through(), answered(status));
            assert_verdict(&error, &format!("proxy request {expected}"));
            assert!(!error.is_proxy_down(), "{error}");
        }
    }
}

#[test]
fn a_407_never_reaches_the_client() {
    let answer = answer("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n", "");
    let kind = DialErrorKind::Authentication(AuthenticationFault::Rejected, answer);
    let error = error(through(), kind);
    assert_verdict(&error, "proxy request 502 proxy_configuration_error");
}

/// Neither our own queue nor our own judge is the proxy's fault.
#[test]
fn our_own_refusals_are_ours() {
    let answer = answer("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n", "");
    let untried = DialErrorKind::Authentication(AuthenticationFault::Untried, answer);
    for (kind, expected) in [
        (untried, "narrows request 503 proxy_internal_error"),
        (denied(), "narrows decide 502 proxy_configuration_error"),
    ] {
        let error = error(through(), kind);
        assert_verdict(&error, expected);
        assert!(!error.is_proxy_down());
    }
}

#[test]
fn only_the_way_to_the_proxy_marks_it_down() {
    for (path, kind, down) in [
        (through(), failed(ErrorKind::ConnectionRefused), true),
        (through(), DialErrorKind::Closed { received: 0 }, false),
        (through(), DialErrorKind::Silent, false),
        (through(), nonsense(), true),
        (through(), failed(rustix::io::Errno::MFILE), false),
        (through(), answered(503), false),
        (direct(), failed(ErrorKind::ConnectionRefused), false),
    ] {
        let error = error(path, kind);
        assert_eq!(error.is_proxy_down(), down, "{error}");
    }
}

#[track_caller]
fn assert_verdict(error: &DialError, expected: &str) {
    let verdict = format!(
        "{} {} {} {}",
        error.hop(),
        error.step(),
        error.status(),
        error.proxy_error()
    );
    assert_eq!(verdict, expected, "{error}");
}

#[test]
fn sentences_say_what_to_look_at() {
    let blocked = "HTTP/1.1 403 Forbidden\r\nServer: squid/6.6\r\n\r\n";
    let challenge = "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Negotiate, NTLM\r\n\r\n";
    for (path, kind, expected) in [
        (
            direct(),
            failed(ErrorKind::ConnectionRefused),
            "cannot connect to example.com:443: connection refused by 192.0.2.1:443 (nothing listens there, or a firewall rejects it)",
        ),
        (
            through(),
            failed(ErrorKind::ConnectionRefused),
            "cannot connect to proxy 10.0.0.1:3128: connection refused by 192.0.2.1:443 (is the proxy's address right, and is it running?)",
        ),
        (
            direct(),
            failed(ErrorKind::TimedOut),
            "cannot connect to example.com:443: no answer from 192.0.2.1:443 after 1.5 s (a firewall may block it: does this machine need a proxy?)",
        ),
        (
            direct(),
            failed(ErrorKind::NetworkUnreachable),
            "cannot connect to example.com:443: network unreachable for 192.0.2.1:443 (no way leads there, or a firewall says so: is this machine's network up?)",
        ),
        (
            direct(),
            denied(),
            "example.com:443 may not be reached at 127.0.0.1: loopback address",
        ),
        (
            direct(),
            ResolveError::NotFound.into(),
            "cannot resolve example.com:443: no such name, or it has no address (is it spelled right? where DNS knows no outside names, a proxy is needed)",
        ),
        (
            through(),
            DialErrorKind::Answered(answer(blocked, "Category: games")),
            "proxy 10.0.0.1:3128 refused CONNECT example.com:443: 403 Forbidden from squid/6.6 (\"Category: games\")",
        ),
        (
            through(),
            DialErrorKind::Authentication(AuthenticationFault::NotOffered, answer(challenge, "")),
            "proxy 10.0.0.1:3128 wants credentials by negotiate, ntlm, none of which can be used with the configured ones; basic and digest carry a password, bearer a token: 407 Auth",
        ),
        (
            through(),
            DialErrorKind::Authentication(
                AuthenticationFault::NotOffered,
                answer("HTTP/1.1 407\r\n\r\n", ""),
            ),
            "proxy 10.0.0.1:3128 wants credentials without naming a scheme, so none were sent: 407",
        ),
        (
            through(),
            DialErrorKind::Authentication(
                AuthenticationFault::Untried,
                answer("HTTP/1.1 407\r\nProxy-Authenticate: Basic\r\n\r\n", ""),
            ),
            "proxy 10.0.0.1:3128 wants credentials by basic, and other requests are still waiting to learn whether the configured ones are good: 407",
        ),
        (
            through(),
            DialErrorKind::Closed { received: 0 },
            "proxy 10.0.0.1:3128 closed the connection without answering CONNECT example.com:443 (is it an HTTP proxy that serves this machine?)",
        ),
        (
            through(),
            DialErrorKind::Closed { received: 9 },
            "proxy 10.0.0.1:3128 closed the connection after 9 octets of its answer to CONNECT example.com:443",
        ),
        (
            through(),
            DialErrorKind::Silent,
            "proxy 10.0.0.1:3128 did not answer CONNECT example.com:443 in time, after 1.5 s (it may be waiting for the target)",
        ),
    ] {
        assert_eq!(error(path, kind).to_string(), expected);
    }
}
