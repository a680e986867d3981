//! The admin listener of a running proxy or gateway, asked as anybody would.

use std::net::SocketAddr;

use crate::raw::{Head, Raw};

/// Where a process says that its admin listener is.
///
/// # Panics
///
/// When it does not say.
pub fn address(said: &str) -> SocketAddr {
    let line = said.lines().find_map(|line| {
        line.split_once("admin page and metrics on ")?
            .1
            .parse()
            .ok()
    });
    line.unwrap_or_else(|| panic!("no admin listener in:\n{said}"))
}

/// Asks for a path, and gives head and body of the answer.
///
/// # Panics
///
/// When there is no whole answer.
pub fn ask(admin: SocketAddr, path: &str) -> (Head, String) {
    request(
        admin,
        &format!("GET {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n"),
    )
}

/// Sends a request of any form, which must make the listener close.
///
/// # Panics
///
/// When there is no whole answer.
pub fn request(admin: SocketAddr, text: &str) -> (Head, String) {
    let mut client = Raw::connect(admin);
    client.send(text);
    let answer = client.end().text();
    let (head, body) = Head::split(&answer);
    (head, body.to_owned())
}

/// The JSON under a path.
///
/// # Panics
///
/// When the status is not 200, or the body is not JSON.
pub fn json(admin: SocketAddr, path: &str) -> serde_json::Value {
    let (head, body) = ask(admin, path);
    assert_eq!(head.status(), 200, "{path}: {body}");
    serde_json::from_str(&body).expect("JSON")
}
