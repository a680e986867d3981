//! Targets that do not answer (row 37 of the abuse cases).

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::house::{House, Note, open, target};

/// A listener whose queue is full: the system ignores who else wants to connect.
pub(crate) struct BlackHole {
    pub(crate) address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl BlackHole {
    pub(crate) async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(connected) =
            timeout(Duration::from_millis(200), TcpStream::connect(address)).await
        {
            queue.push(connected.unwrap());
        }
        Self {
            address,
            _listener: listener,
            _queue: queue,
        }
    }

    /// Connections to it that are being made, by this whole process.
    pub(crate) fn dials(&self) -> usize {
        let [a, b, c, d] = [127, 0, 0, 1].map(|octet: u8| format!("{octet:02X}"));
        let remote = format!(" {d}{c}{b}{a}:{:04X} 02 ", self.address.port());
        let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        table.lines().filter(|line| line.contains(&remote)).count()
    }
}

/// Opens that many tunnels at once on one connection; the statuses, and the values of `Retry-After`.
async fn opens(requests: SendRequest<Bytes>, at: SocketAddr, count: usize) -> Vec<(u16, bool)> {
    let mut asking = JoinSet::new();
    for _ in 0..count {
        let mut requests = requests.clone().ready().await.unwrap();
        asking.spawn(async move {
            let request = Request::connect(at.to_string()).body(()).unwrap();
            let (answer, _send) = requests.send_request(request, false).unwrap();
            let answer = answer.await.unwrap();
            let retry = answer.headers().contains_key("retry-after");
            (answer.status().as_u16(), retry)
        });
    }
    asking.join_all().await
}

/// Row 37: ten thousand opens to a black hole. A few are being dialled, the others are told to come back
/// after a second, and whoever wants to go elsewhere does.
#[tokio::test]
async fn ten_thousand_opens_to_a_black_hole_leave_the_server_alive() {
    const AT_A_TIME: usize = 32;
    let house = House::dialling(AT_A_TIME).await;
    let hole = BlackHole::new().await;
    let mut waves = JoinSet::new();
    for _ in 0..100 {
        let (io, _serving) = house.h2().await;
        let (requests, connection) = h2::client::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let requests = requests.ready().await.unwrap();
        waves.spawn(opens(requests, hole.address, 100));
    }
    let mut refused = 0;
    let mut most = 0;
    while refused < 10_000 - AT_A_TIME / 4 {
        // Accepts, reads, decides, dials and carries meanwhile.
        let (elsewhere, _heard) = target().await;
        drop(open(&house, elsewhere, b"").await);
        most = most.max(hole.dials());
        tokio::time::sleep(Duration::from_millis(20)).await;
        let notes = house.notes.all();
        let full = |note: &&Note| matches!(note, Note::Refused { status: 503, .. });
        refused = notes.iter().filter(full).count();
    }
    assert!(
        (1..=AT_A_TIME / 4).contains(&most),
        "{most} dials at a time"
    );
    // Each of them gives its 503, but for those that are still dialling.
    drop(hole);
    let mut told = 0;
    waves.abort_all();
    while let Some(wave) = waves.join_next().await {
        let answers = wave.unwrap_or_default();
        assert!(answers.iter().all(|answer| *answer == (503, true)));
        told += answers.len();
    }
    assert!(told > 0);
}

/// The system's limit on descriptors is another matter: `cannot accept` is survived, see the end-to-end
/// tests. Here a burst that is larger than the limit passes, because it is over soon.
#[tokio::test]
async fn a_burst_waits_for_its_turn() {
    let house = House::dialling(4).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = tokio::spawn(async move {
        let mut open = Vec::new();
        while open.len() < 100 {
            open.push(listener.accept().await.unwrap());
        }
    });
    let (io, _serving) = house.h2().await;
    let (requests, connection) = h2::client::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let requests = requests.ready().await.unwrap();
    let answers = opens(requests, address, 100).await;
    assert!(
        answers.iter().all(|(status, _)| *status == 200),
        "{answers:?}"
    );
    accepting.await.unwrap();
}
