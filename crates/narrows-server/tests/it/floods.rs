//! Clients that abuse HTTP/2 (row 38 of the abuse cases): each comes to its end within limits, or is held to
//! its own pace, and a tunnel on another connection does not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use narrows_endpoint::{Hop, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Duration, advance, pause, resume};

use crate::frames::{
    ACK, CONTINUATION, DATA, END_STREAM, Fate, Frame, Frames, GOAWAY, HEADERS, PING, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, block, connect, frame, ping, reset,
};
use crate::house::{House, Note, open};

const ENHANCE_YOUR_CALM: Fate = Fate::Connection(11);

/// Tunnels at a time on one connection, as the server announces.
const STREAMS: usize = 128;

/// A tunnel on a connection of its own, to a target that sends back what it gets.
struct Bystander(TcpStream);

impl Bystander {
    async fn new(house: &House) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut io, _) = listener.accept().await.unwrap();
            let (mut read, mut write) = io.split();
            let _ = tokio::io::copy(&mut read, &mut write).await;
        });
        Self(open(house, address, b"").await)
    }

    /// It carries, both ways.
    async fn goes_on(&mut self) {
        let sent: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut received = vec![0; sent.len()];
        let (mut read, mut write) = self.0.split();
        let (written, got) = tokio::join!(write.write_all(&sent), read.read_exact(&mut received));
        written.unwrap();
        got.unwrap();
        assert!(sent == received);
    }
}

/// A target that takes connections and never reads; how many there were.
async fn target() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((io, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            open.push(io);
        }
    });
    (address, accepted)
}

/// Sends a flood that must end its connection as abuse, with a record that says so.
async fn is_ended(flood: Vec<u8>, before: impl AsyncFn(&mut Frames)) -> Vec<Note> {
    let house = House::start().await;
    let mut bystander = Bystander::new(&house).await;
    let (io, serving) = house.h2().await;
    let mut client = Frames::start(io).await;
    before(&mut client).await;
    let (fate, ()) = tokio::join!(
        async {
            client.send(&flood).await;
            client.fate(ENHANCE_YOUR_CALM).await
        },
        bystander.goes_on()
    );
    assert_eq!(fate, ENHANCE_YOUR_CALM);
    drop(client);
    serving.await.unwrap();
    bystander.goes_on().await;
    drop(bystander);
    let notes = house.stop().await.1;
    let told = |note: &&Note| match note {
        Note::Refused {
            hop, step, reason, ..
        } => (*hop, *step) == (Hop::Client, Step::Head) && reason.contains("ENHANCE_YOUR_CALM"),
        _ => false,
    };
    assert_eq!(notes.iter().filter(told).count(), 1, "{notes:?}");
    notes
}

/// Every request has one record, however it ended.
fn assert_complete(notes: &[Note]) {
    let count = |wanted: fn(&Note) -> bool| notes.iter().filter(|note| wanted(note)).count();
    let opened = count(|note| matches!(note, Note::Opened(_)));
    let ended = count(|note| matches!(note, Note::Ended { .. }));
    assert_eq!(opened, ended);
}

/// Row 38: rapid reset (CVE-2023-44487).
#[tokio::test]
async fn rapid_reset_ends_the_connection() {
    let (at, accepted) = target().await;
    let streams = (0..5000).map(|n| 2 * n + 1);
    let flood = streams.flat_map(|stream| [connect(stream, &at), reset(stream)].concat());
    let notes = is_ended(flood.collect(), async |_| {}).await;
    assert_complete(&notes);
    let dialled = accepted.load(Ordering::SeqCst);
    assert!(dialled <= STREAMS, "{dialled} dials");
}

/// Row 38: ten thousand streams at once.
#[tokio::test]
async fn ten_thousand_streams_end_the_connection() {
    let (at, accepted) = target().await;
    let flood = (0..10_000).flat_map(|n| connect(2 * n + 1, &at));
    let notes = is_ended(flood.collect(), async |_| {}).await;
    assert_complete(&notes);
    let dialled = accepted.load(Ordering::SeqCst);
    assert!(dialled <= STREAMS, "{dialled} dials");
}

/// Row 38: a header block that never ends (CVE-2024-27316).
#[tokio::test]
async fn continuations_without_end_end_the_connection() {
    let field = block(&[("x-filler", &"f".repeat(100))]);
    let mut flood = frame(HEADERS, 0, 1, &block(&[(":method", "CONNECT")]));
    for _ in 0..10_000 {
        flood.extend(frame(CONTINUATION, 0, 1, &field));
    }
    is_ended(flood, async |_| {}).await;
}

/// Row 38: DATA frames without data (CVE-2019-9518).
#[tokio::test]
async fn empty_data_ends_the_connection() {
    let (at, _accepted) = target().await;
    let flood = frame(DATA, 0, 1, b"").repeat(100_000);
    let notes = is_ended(flood, async |client| client.open(1, &at).await).await;
    assert_complete(&notes);
}

/// Row 38: SETTINGS (CVE-2019-9515) and PING (CVE-2019-9512) floods from a client that does not read the
/// answers. The server keeps no queue of them: it stops reading, and answers every one when the client
/// reads on.
#[tokio::test]
async fn settings_and_pings_go_at_the_pace_of_their_answers() {
    for (what, kind) in [(frame(SETTINGS, 0, 0, &[]), SETTINGS), (ping(), PING)] {
        let house = House::start().await;
        let mut bystander = Bystander::new(&house).await;
        let (io, theirs) = narrow().await;
        let _serving = house.serve_h2(theirs);
        let mut client = Frames::start(io).await;
        let most = 32 * 1024 * 1024;
        let flood = what.repeat(1000);
        let (sent, ()) = tokio::join!(client.cram(&flood, most), bystander.goes_on());
        assert!(sent < most, "the server read on without end");
        for _ in 0..sent / what.len() {
            // The server may ask things of its own.
            let is_answer = |frame: &Frame| frame.kind == kind && frame.flags & ACK == ACK;
            client.until(is_answer).await.unwrap();
        }
        bystander.goes_on().await;
    }
}

/// Row 38: a client whose windows stay shut. The target is held back, and gets on when they open.
#[tokio::test]
async fn a_shut_window_holds_the_target_back() {
    const BULK: usize = 32 * 1024 * 1024;
    const INITIAL_WINDOW_SIZE: u16 = 4;
    let house = House::start().await;
    let mut bystander = Bystander::new(&house).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let (io, _serving) = house.h2().await;
    let mut client = Frames::start_with(io, &[(INITIAL_WINDOW_SIZE, 0)]).await;
    client.open(1, &at).await;
    let (far, _) = listener.accept().await.unwrap();
    let mut written = 0;
    let chunk = vec![7; 65_536];
    while written < BULK {
        match tokio::time::timeout(Duration::from_millis(300), far.writable()).await {
            Ok(ready) => ready.unwrap(),
            Err(_) => break,
        }
        // Said to be writable, it may turn out not to be.
        written += far
            .try_write(&chunk[..chunk.len().min(BULK - written)])
            .unwrap_or(0);
    }
    // Two buffers of the system, and what one tunnel may hold back.
    assert!(written < BULK / 2, "{written} octets were taken in");
    bystander.goes_on().await;

    drop(far);
    for stream in [0, 1] {
        client
            .send(&frame(WINDOW_UPDATE, 0, stream, &[0x04, 0, 0, 0]))
            .await;
    }
    let mut received = 0;
    loop {
        let data = client.until(|frame| frame.kind == DATA).await.unwrap();
        received += data.payload.len();
        if data.flags & END_STREAM != 0 {
            break;
        }
    }
    assert_eq!(received, written);
}

/// Row 40, frame by frame: END_STREAM is FIN and FIN is END_STREAM, each direction by itself.
#[tokio::test]
async fn the_end_of_a_stream_is_the_end_of_a_direction() {
    let house = House::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let (io, _serving) = house.h2().await;
    let mut client = Frames::start(io).await;

    client.open(1, &at).await;
    let (mut far, _) = listener.accept().await.unwrap();
    client.send(&frame(DATA, END_STREAM, 1, b"question")).await;
    let mut heard = Vec::new();
    far.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"question");
    far.write_all(b"answer").await.unwrap();
    let data = client.until(|frame| frame.kind == DATA).await.unwrap();
    assert_eq!((&data.payload[..], data.flags), (&b"answer"[..], 0));
    far.shutdown().await.unwrap();
    let data = client.until(|frame| frame.kind == DATA).await.unwrap();
    assert_eq!((data.payload.len(), data.flags), (0, END_STREAM));

    client.open(3, &at).await;
    let (mut far, _) = listener.accept().await.unwrap();
    far.shutdown().await.unwrap();
    let data = client.until(|frame| frame.kind == DATA).await.unwrap();
    assert_eq!((data.stream, data.flags), (3, END_STREAM));
    client
        .send(&frame(DATA, END_STREAM, 3, b"afterwards"))
        .await;
    let mut heard = Vec::new();
    far.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"afterwards");
}

/// Row 40, frame by frame: RST is RST_STREAM with CONNECT_ERROR, and RST_STREAM is RST.
#[tokio::test]
async fn the_reset_of_a_stream_is_a_reset() {
    const CONNECT_ERROR: u32 = 10;
    let house = House::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let (io, _serving) = house.h2().await;
    let mut client = Frames::start(io).await;

    client.open(1, &at).await;
    let (far, _) = listener.accept().await.unwrap();
    far.set_zero_linger().unwrap();
    drop(far);
    let reset = client
        .until(|frame| frame.kind == RST_STREAM)
        .await
        .unwrap();
    assert_eq!((reset.stream, reset.code(0)), (1, CONNECT_ERROR));

    client.open(3, &at).await;
    let (mut far, _) = listener.accept().await.unwrap();
    let code = CONNECT_ERROR.to_be_bytes();
    client.send(&frame(RST_STREAM, 0, 3, &code)).await;
    let error = far.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

/// A connection that never had a tunnel is told to go after two minutes.
#[tokio::test]
async fn a_connection_without_tunnels_does_not_stay_for_ever() {
    let house = House::start().await;
    let (io, serving) = house.h2().await;
    let mut client = Frames::start(io).await;
    assert_eq!(client.fate(Fate::Fine).await, Fate::Fine);
    pause();
    advance(Duration::from_secs(121)).await;
    resume();
    assert!(client.until(|frame| frame.kind == GOAWAY).await.is_some());
    drop(client);
    serving.await.unwrap();
}

/// Two ends of a socket with little room in the system.
async fn narrow() -> (TcpStream, TcpStream) {
    let small = || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(16_384).unwrap();
        socket.set_recv_buffer_size(16_384).unwrap();
        socket
    };
    let listener = small();
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = listener.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let (one, other) = tokio::join!(small().connect(address), listener.accept());
    (one.unwrap(), other.unwrap().0)
}
