//! A WebSocket over TLS in a tunnel.

use narrows_tests::pattern;
use narrows_tests::websocket;
use tungstenite::{Bytes, Message};

use super::bed::Bed;
use super::each_way;

each_way! { echo: [] as [&str; 0]; }

fn echo(bed: &Bed) {
    let port = websocket::echo(&bed.origin.tls).port();
    let tunnel = bed.proxy.tunnel(&format!("{}:{port}", bed.host()));
    let mut socket = websocket::open(&bed.origin.tls, tunnel, bed.host(), port);
    let messages = [
        Message::text("ping across"),
        Message::binary(Bytes::from(pattern::bytes(300_000))),
    ];
    for message in messages {
        socket.send(message.clone()).unwrap();
        assert_eq!(socket.read().unwrap(), message);
    }
    socket.close(None).unwrap();
    while socket.read().is_ok() {}
    drop(socket);
    let told = bed.tunnelled(port);
    assert_eq!(told.len(), 1);
    assert!(told[0].done().sent > 300_000 && told[0].done().received > 300_000);
}
