//! HTTP/2 as RFC 9113 demands it of a server, in the cases of h2spec (its sections are the names here)
//! that say anything about a server which takes nothing but CONNECT.
//!
//! h2spec itself cannot be had from the registries that this project builds from; its frames are written
//! here by hand.

use tokio::net::TcpListener;

use crate::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, Fate, Frames, GOAWAY, HEADERS, PADDED, PING,
    PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, block, connect, frame, head,
    pairs, reset,
};
use crate::house::House;

const PROTOCOL: u32 = 1;
const FLOW_CONTROL: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE: u32 = 6;
const REFUSED: u32 = 7;
const COMPRESSION: u32 = 9;

/// The largest payload that the server says it takes.
const LARGEST: usize = narrows_upstream::window::FRAME as usize;

use Fate::{Closed, Connection, Fine, Stream};

/// Where the `h2` crate does something else than the RFC wants, and what: another error code, or the end of
/// the connection for what should end a stream. A case that begins to pass must leave this list.
const DEVIATIONS: &[(&str, Fate)] = &[
    ("4.3/1 bad header block", Connection(PROTOCOL)),
    ("5.1/5 half closed: DATA", Connection(PROTOCOL)),
    ("5.1/6 half closed: HEADERS", Stream(PROTOCOL)),
    ("5.1/9 closed: HEADERS", Connection(PROTOCOL)),
    ("5.4.1/1 connection error, then close", Connection(PROTOCOL)),
    ("6.4/3 RST_STREAM of bad length", Connection(PROTOCOL)),
    (
        "6.5/1 SETTINGS acknowledgement with a payload",
        Connection(PROTOCOL),
    ),
    ("6.5/3 SETTINGS of bad length", Connection(PROTOCOL)),
    (
        "6.5.2/2 INITIAL_WINDOW_SIZE too large",
        Connection(PROTOCOL),
    ),
    ("6.7/4 PING of bad length", Connection(PROTOCOL)),
    ("6.9/2 WINDOW_UPDATE of 0 on a stream", Connection(PROTOCOL)),
    ("6.9/3 WINDOW_UPDATE of bad length", Connection(PROTOCOL)),
    ("8.2/1 name in upper case", Connection(PROTOCOL)),
    ("8.3/1 unknown pseudo-header field", Connection(PROTOCOL)),
];

/// A name, what the client sends after the settings, and what must come of it.
type Case = (&'static str, Vec<Vec<u8>>, Fate);

/// Runs each case on a connection of its own; all that fail are told at once.
async fn check(cases: Vec<Case>) {
    let house = House::start().await;
    let mut wrong = Vec::new();
    for (name, frames, wanted) in cases {
        let deviation = DEVIATIONS.iter().find(|(case, _)| *case == name);
        let wanted = deviation.map_or(wanted, |(_, does)| *does);
        let (io, _serving) = house.h2().await;
        let mut client = Frames::start(io).await;
        client.send(&frames.concat()).await;
        let fate = client.fate(wanted).await;
        if fate != wanted {
            wrong.push(format!("{name}: {fate:?}, not {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A target that takes connections and does nothing with them.
async fn target() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

#[tokio::test]
async fn section_4_frames() {
    let (_listener, at) = target().await;
    let open = connect(1, &at);
    let part = |stream| frame(HEADERS, 0, stream, &block(&[(":method", "CONNECT")]));
    check(vec![
        ("4.1/1 unknown type", vec![frame(0x16, 0, 0, &[0; 8])], Fine),
        (
            "4.1/2 undefined flags",
            vec![frame(PING, 0x16, 0, &[0; 8])],
            Fine,
        ),
        (
            "4.1/3 reserved bit",
            vec![frame(PING, 0, 1 << 31, &[0; 8])],
            Fine,
        ),
        (
            "4.2/1 largest DATA",
            vec![open.clone(), frame(DATA, 0, 1, &[0; LARGEST])],
            Fine,
        ),
        (
            "4.2/2 too large DATA",
            vec![open, frame(DATA, 0, 1, &[0; LARGEST + 1])],
            Connection(FRAME_SIZE),
        ),
        (
            "4.2/3 too large HEADERS",
            vec![frame(HEADERS, END_HEADERS, 1, &[0; LARGEST + 1])],
            Connection(FRAME_SIZE),
        ),
        // An index that no table has.
        (
            "4.3/1 bad header block",
            vec![frame(HEADERS, END_HEADERS, 1, &[0xff, 0xff, 0xff])],
            Connection(COMPRESSION),
        ),
        (
            "4.3/2 PRIORITY inside a header block",
            vec![part(1), frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 9])],
            Connection(PROTOCOL),
        ),
        (
            "4.3/3 HEADERS of another stream inside a header block",
            vec![part(1), connect(3, &at)],
            Connection(PROTOCOL),
        ),
    ])
    .await;
}

#[tokio::test]
async fn section_5_streams() {
    let (_listener, at) = target().await;
    let (open, closed) = (connect(1, &at), [connect(1, &at), reset(1)].concat());
    let ended = frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        1,
        &block(&[(":method", "CONNECT"), (":authority", &at)]),
    );
    let many = (0..=128).map(|n| connect(2 * n + 1, &at)).collect();
    check(vec![
        (
            "5.1/1 idle: DATA",
            vec![frame(DATA, 0, 1, b"x")],
            Connection(PROTOCOL),
        ),
        (
            "5.1/2 idle: RST_STREAM",
            vec![reset(1)],
            Connection(PROTOCOL),
        ),
        (
            "5.1/3 idle: WINDOW_UPDATE",
            vec![frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])],
            Connection(PROTOCOL),
        ),
        (
            "5.1/4 idle: CONTINUATION",
            vec![frame(CONTINUATION, END_HEADERS, 1, &[])],
            Connection(PROTOCOL),
        ),
        (
            "5.1/5 half closed: DATA",
            vec![ended.clone(), frame(DATA, 0, 1, b"x")],
            Stream(STREAM_CLOSED),
        ),
        (
            "5.1/6 half closed: HEADERS",
            vec![ended.clone(), connect(1, &at)],
            Stream(STREAM_CLOSED),
        ),
        (
            "5.1/7 half closed: CONTINUATION",
            vec![ended, frame(CONTINUATION, END_HEADERS, 1, &[])],
            Connection(PROTOCOL),
        ),
        (
            "5.1/8 closed: DATA",
            vec![closed.clone(), frame(DATA, 0, 1, b"x")],
            Stream(STREAM_CLOSED),
        ),
        (
            "5.1/9 closed: HEADERS",
            vec![closed.clone(), connect(1, &at)],
            Stream(STREAM_CLOSED),
        ),
        (
            "5.1/10 closed: CONTINUATION",
            vec![closed, frame(CONTINUATION, END_HEADERS, 1, &[])],
            Connection(PROTOCOL),
        ),
        (
            "5.1.1/1 even number",
            vec![connect(2, &at)],
            Connection(PROTOCOL),
        ),
        (
            "5.1.1/2 smaller number",
            vec![connect(5, &at), connect(3, &at)],
            Connection(PROTOCOL),
        ),
        (
            "5.1.2/1 more than SETTINGS_MAX_CONCURRENT_STREAMS",
            many,
            Stream(REFUSED),
        ),
        (
            "5.4.1/1 connection error, then close",
            vec![frame(PING, 0, 0, &[0; 6])],
            Connection(FRAME_SIZE),
        ),
        (
            "5.5/1 unknown extension frame",
            vec![frame(0xff, 0, 1, b"x"), open],
            Fine,
        ),
        (
            "5.5/2 extension frame inside a header block",
            vec![
                frame(HEADERS, 0, 1, &block(&[(":method", "CONNECT")])),
                frame(0xff, 0, 1, b"x"),
            ],
            Connection(PROTOCOL),
        ),
    ])
    .await;
}

#[tokio::test]
async fn section_6_data_headers_priority_reset() {
    let (_listener, at) = target().await;
    let open = connect(1, &at);
    check(vec![
        (
            "6.1/1 DATA on stream 0",
            vec![frame(DATA, 0, 0, b"x")],
            Connection(PROTOCOL),
        ),
        (
            "6.1/3 DATA with bad padding",
            vec![open.clone(), frame(DATA, PADDED, 1, &[9, 0])],
            Connection(PROTOCOL),
        ),
        (
            "6.2/3 HEADERS on stream 0",
            vec![connect(0, &at)],
            Connection(PROTOCOL),
        ),
        (
            "6.2/4 HEADERS with bad padding",
            vec![frame(HEADERS, END_HEADERS | PADDED, 1, &[9, 0])],
            Connection(PROTOCOL),
        ),
        (
            "6.3/1 PRIORITY on stream 0",
            vec![frame(PRIORITY, 0, 0, &[0, 0, 0, 0, 9])],
            Connection(PROTOCOL),
        ),
        (
            "6.4/1 RST_STREAM on stream 0",
            vec![reset(0)],
            Connection(PROTOCOL),
        ),
        (
            "6.4/3 RST_STREAM of bad length",
            vec![open.clone(), frame(RST_STREAM, 0, 1, &[0; 3])],
            Connection(FRAME_SIZE),
        ),
        (
            "6.6 PUSH_PROMISE from a client",
            vec![open, frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2])],
            Connection(PROTOCOL),
        ),
    ])
    .await;
}

#[tokio::test]
async fn section_6_settings_ping_goaway_window() {
    let (_listener, at) = target().await;
    let open = connect(1, &at);
    let settings = |id, value| vec![frame(SETTINGS, 0, 0, &pairs(&[(id, value)]))];
    check(vec![
        (
            "6.5/1 SETTINGS acknowledgement with a payload",
            vec![frame(SETTINGS, ACK, 0, &[0; 6])],
            Connection(FRAME_SIZE),
        ),
        (
            "6.5/2 SETTINGS on a stream",
            vec![frame(SETTINGS, 0, 1, &pairs(&[(3, 100)]))],
            Connection(PROTOCOL),
        ),
        (
            "6.5/3 SETTINGS of bad length",
            vec![frame(SETTINGS, 0, 0, &[0; 5])],
            Connection(FRAME_SIZE),
        ),
        (
            "6.5.2/1 ENABLE_PUSH 2",
            settings(2, 2),
            Connection(PROTOCOL),
        ),
        (
            "6.5.2/2 INITIAL_WINDOW_SIZE too large",
            settings(4, 1 << 31),
            Connection(FLOW_CONTROL),
        ),
        (
            "6.5.2/3 MAX_FRAME_SIZE too small",
            settings(5, 16_383),
            Connection(PROTOCOL),
        ),
        (
            "6.5.2/4 MAX_FRAME_SIZE too large",
            settings(5, 1 << 24),
            Connection(PROTOCOL),
        ),
        ("6.5.2/5 unknown identifier", settings(0xff, 1), Fine),
        (
            "6.7/2 PING acknowledgement is not answered",
            vec![frame(PING, ACK, 0, &[0; 8])],
            Fine,
        ),
        (
            "6.7/3 PING on a stream",
            vec![frame(PING, 0, 1, &[0; 8])],
            Connection(PROTOCOL),
        ),
        (
            "6.7/4 PING of bad length",
            vec![frame(PING, 0, 0, &[0; 6])],
            Connection(FRAME_SIZE),
        ),
        (
            "6.8/1 GOAWAY on a stream",
            vec![frame(GOAWAY, 0, 1, &[0; 8])],
            Connection(PROTOCOL),
        ),
        (
            "6.8 GOAWAY without tunnels",
            vec![frame(GOAWAY, 0, 0, &[0; 8])],
            Closed,
        ),
        (
            "6.9/1 WINDOW_UPDATE of 0",
            vec![frame(WINDOW_UPDATE, 0, 0, &[0; 4])],
            Connection(PROTOCOL),
        ),
        (
            "6.9/2 WINDOW_UPDATE of 0 on a stream",
            vec![open.clone(), frame(WINDOW_UPDATE, 0, 1, &[0; 4])],
            Stream(PROTOCOL),
        ),
        (
            "6.9/3 WINDOW_UPDATE of bad length",
            vec![frame(WINDOW_UPDATE, 0, 0, &[0; 3])],
            Connection(FRAME_SIZE),
        ),
        (
            "6.9.1/2 window beyond 2^31-1",
            vec![frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])],
            Connection(FLOW_CONTROL),
        ),
        (
            "6.9.1/3 window of a stream beyond 2^31-1",
            vec![open, frame(WINDOW_UPDATE, 0, 1, &[0x7f, 0xff, 0xff, 0xff])],
            Stream(FLOW_CONTROL),
        ),
    ])
    .await;
}

#[tokio::test]
async fn section_6_continuation() {
    let (_listener, at) = target().await;
    let part = frame(HEADERS, 0, 1, &block(&[(":method", "CONNECT")]));
    let rest = block(&[(":authority", &at)]);
    check(vec![
        (
            "6.10/1 more than one CONTINUATION",
            vec![
                part.clone(),
                frame(CONTINUATION, 0, 1, &rest),
                frame(CONTINUATION, END_HEADERS, 1, &[]),
            ],
            Fine,
        ),
        (
            "6.10/2 CONTINUATION, then another frame",
            vec![
                part.clone(),
                frame(CONTINUATION, 0, 1, &rest),
                frame(DATA, 0, 1, b"x"),
            ],
            Connection(PROTOCOL),
        ),
        (
            "6.10/3 CONTINUATION on stream 0",
            vec![part, frame(CONTINUATION, END_HEADERS, 0, &rest)],
            Connection(PROTOCOL),
        ),
        (
            "6.10/4 CONTINUATION after END_HEADERS",
            vec![connect(1, &at), frame(CONTINUATION, END_HEADERS, 1, &[])],
            Connection(PROTOCOL),
        ),
        (
            "6.10/6 CONTINUATION after DATA",
            vec![
                connect(1, &at),
                frame(DATA, 0, 1, b"x"),
                frame(CONTINUATION, END_HEADERS, 1, &[]),
            ],
            Connection(PROTOCOL),
        ),
    ])
    .await;
}

/// Row 39 of the abuse cases among them: what is wrong with a head ends its stream, not the connection.
#[tokio::test]
async fn section_8_heads() {
    let (_listener, at) = target().await;
    let with = |more: &[(&str, &str)]| {
        let fields = [&[(":method", "CONNECT"), (":authority", &*at)][..], more].concat();
        vec![head(1, &fields)]
    };
    let alone = |fields: &[(&str, &str)]| vec![head(1, fields)];
    check(vec![
        (
            "8.2/1 name in upper case",
            with(&[("X-Test", "1")]),
            Stream(PROTOCOL),
        ),
        (
            "8.2.2/1 connection-specific field",
            with(&[("connection", "close")]),
            Stream(PROTOCOL),
        ),
        (
            "8.2.2/2 TE other than trailers",
            with(&[("te", "gzip")]),
            Stream(PROTOCOL),
        ),
        (
            "8.3/1 unknown pseudo-header field",
            with(&[(":test", "1")]),
            Stream(PROTOCOL),
        ),
        (
            "8.3/2 pseudo-header field of a response",
            with(&[(":status", "200")]),
            Stream(PROTOCOL),
        ),
        (
            "8.3/4 pseudo-header field after others",
            alone(&[("x-test", "1"), (":method", "CONNECT"), (":authority", &at)]),
            Stream(PROTOCOL),
        ),
        (
            "8.3.1/2 :method missing",
            alone(&[(":authority", &at)]),
            Stream(PROTOCOL),
        ),
        (
            "8.3.1/5 :method twice",
            alone(&[
                (":method", "CONNECT"),
                (":method", "CONNECT"),
                (":authority", &at),
            ]),
            Stream(PROTOCOL),
        ),
        (
            "8.5 :authority missing",
            alone(&[(":method", "CONNECT")]),
            Stream(PROTOCOL),
        ),
        (
            "8.5 :authority twice",
            with(&[(":authority", &at)]),
            Stream(PROTOCOL),
        ),
        (
            "8.5 :authority that is none",
            alone(&[(":method", "CONNECT"), (":authority", "a b")]),
            Stream(PROTOCOL),
        ),
        (
            "8.5 :scheme",
            with(&[(":scheme", "https")]),
            Stream(PROTOCOL),
        ),
        ("8.5 :path", with(&[(":path", "/")]), Stream(PROTOCOL)),
        // RFC 8441 §3: only after SETTINGS_ENABLE_CONNECT_PROTOCOL, which this server does not send.
        (
            "8441/4 :protocol",
            with(&[
                (":scheme", "https"),
                (":path", "/"),
                (":protocol", "websocket"),
            ]),
            Stream(PROTOCOL),
        ),
    ])
    .await;
}

#[tokio::test]
async fn section_6_7_a_ping_comes_back_as_it_is() {
    let house = House::start().await;
    let (io, _serving) = house.h2().await;
    let mut client = Frames::start(io).await;
    client.send(&frame(PING, 0, 0, b"12345678")).await;
    let pong = client
        .until(|frame| frame.kind == PING && frame.flags == ACK)
        .await
        .unwrap();
    assert_eq!((pong.flags, &pong.payload[..]), (ACK, &b"12345678"[..]));
}
