//! Row 36: clients that leave, at each stage of a request and by each manner. Their places and tasks come
//! back, and the record has the stage. What the process holds besides is looked at end to end.

use std::sync::Arc;
use std::time::Duration;

use narrows_endpoint::{Hop, Name, Route, Step, Target};
use narrows_server::{Action, Egress, Settings};
use narrows_upstream::{Dialer, Resolve, Resolving, SystemResolver, Timeouts, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::dials::BlackHole;
use crate::house::{House, Note, direct, open, read_head};

/// Longer than any of this takes on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stage's own deadline: nobody who can be seen to have left lives to see it.
const DEADLINE: Duration = Duration::from_secs(3);

/// How a client leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// FIN, and then RST for whatever is still sent: a program that closes.
    Close,
    /// RST at once.
    Reset,
    /// FIN, and RST a little later: a program that ends its sending side and is then killed.
    FinishAndReset,
}

/// The last one cannot be seen to have left while its request is under way, and is waited for.
const MANNERS: [Manner; 3] = [Manner::Reset, Manner::FinishAndReset, Manner::Close];

impl Manner {
    async fn leave(self, mut client: TcpStream) {
        match self {
            Self::Close => {}
            Self::Reset => client.set_zero_linger().unwrap(),
            Self::FinishAndReset => {
                client.shutdown().await.unwrap();
                client.set_zero_linger().unwrap();
            }
        }
    }
}

/// A server with a place for each manner, and the tasks that it has while nobody is there.
struct Stage {
    house: House,
    idle: usize,
}

impl Stage {
    async fn new(policy: impl narrows_server::Policy<Connection = ()>, egress: Egress) -> Self {
        let mut settings = Settings::default();
        settings.tunnels = MANNERS.len();
        let house = House::around(policy, egress, settings).await;
        // It accepts, and then waits: what it needs to do so is there.
        drop(house.client().await);
        let idle = tasks();
        Self { house, idle }
    }

    async fn direct(timeouts: Timeouts) -> Self {
        let dialer = Dialer::new(SystemResolver::default(), timeouts);
        Self::new(direct, Egress::new(dialer)).await
    }

    /// Waits until there are no more tasks than when nobody was there, and then takes every place, which
    /// there would not be if one were still held. The records of those that left.
    async fn settled(self, action: &str, records: usize) -> Vec<Note> {
        let settled = async {
            while tasks() > self.idle || self.house.notes.all().len() < records {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let notes = || self.house.notes.all();
        let waited = timeout(PATIENCE, settled).await;
        assert!(
            waited.is_ok(),
            "{action}: {} tasks, not {}: {:?}",
            tasks(),
            self.idle,
            notes()
        );
        let found = notes();
        let mut inside = Vec::new();
        for _ in MANNERS {
            let mut client = self.house.client().await;
            client
                .write_all(b"CONNECT x.example HTTP/1.1\r\n\r\n")
                .await
                .unwrap();
            // Whoever is in is refused for its target and not for want of a place.
            assert!(
                read_head(&mut client).await.starts_with("HTTP/1.1 400 "),
                "{action}"
            );
            inside.push(client);
        }
        found
    }
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

fn timeouts(own: Duration) -> Timeouts {
    Timeouts {
        resolve: own,
        connect: own,
        request: own,
        ..Timeouts::default()
    }
}

async fn ask(house: &House, target: &str) -> TcpStream {
    let mut client = house.client().await;
    let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\nand early data");
    client.write_all(head.as_bytes()).await.unwrap();
    client
}

/// One record for each client. Who reset is told from who may still be waiting: for the latter it is the
/// stage's own deadline that ends the request.
fn left_before_the_answer(notes: &[Note], deadline: (Hop, Step)) {
    assert_eq!(notes.len(), MANNERS.len(), "{notes:?}");
    let mut gone = 0;
    for note in notes {
        let Note::Refused {
            status,
            hop,
            step,
            reason,
            ..
        } = note
        else {
            panic!("{notes:?}")
        };
        if *status == 499 {
            assert_eq!((*hop, *step), (Hop::Client, Step::Request), "{note:?}");
            assert_eq!(reason, "the client left before it was answered");
            gone += 1;
        } else {
            assert_eq!(
                (*status, *hop, *step),
                (504, deadline.0, deadline.1),
                "{note:?}"
            );
        }
    }
    assert_eq!(gone, 2, "{notes:?}");
}

#[tokio::test]
async fn row_36_right_after_connecting() {
    let stage = Stage::direct(Timeouts::default()).await;
    for manner in MANNERS {
        manner.leave(stage.house.client().await).await;
    }
    // Nothing was asked for: there is nothing to record.
    assert_eq!(stage.settled("accept", 0).await, []);
}

#[tokio::test]
async fn row_36_within_the_head() {
    let stage = Stage::direct(Timeouts::default()).await;
    for manner in MANNERS {
        let mut client = stage.house.client().await;
        client
            .write_all(b"CONNECT far.example:443 HTT")
            .await
            .unwrap();
        manner.leave(client).await;
    }
    // A reset may overtake what was sent before it; then nothing was asked for.
    let notes = stage.settled("head", 1).await;
    assert!((1..=MANNERS.len()).contains(&notes.len()), "{notes:?}");
    for note in &notes {
        let Note::Refused {
            status: 499,
            hop: Hop::Client,
            step: Step::Head,
            ..
        } = note
        else {
            panic!("{notes:?}")
        };
    }
}

#[tokio::test]
async fn row_36_while_being_refused() {
    let refuse = |_: &Target| Action::Refuse(narrows_connect::Refusal::new(407, "who are you?"));
    let dialer = Dialer::new(SystemResolver::default(), Timeouts::default());
    let stage = Stage::new(refuse, Egress::new(dialer)).await;
    for manner in MANNERS {
        let client = ask(&stage.house, "far.example:443").await;
        let refused = client.readable();
        refused.await.unwrap();
        manner.leave(client).await;
    }
    let notes = stage.settled("authentication", MANNERS.len()).await;
    assert!(
        notes
            .iter()
            .all(|note| matches!(note, Note::Refused { status: 407, .. })),
        "{notes:?}"
    );
}

/// Never answers, and says how often it was asked.
#[derive(Clone)]
struct Silent(Arc<Semaphore>);

impl Resolve for Silent {
    fn resolve<'a>(&'a self, _: &'a Name) -> Resolving<'a> {
        self.0.add_permits(1);
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn row_36_while_a_name_is_resolved() {
    let asked = Arc::new(Semaphore::new(0));
    let dialer = Dialer::new(Silent(Arc::clone(&asked)), timeouts(DEADLINE));
    let stage = Stage::new(direct, Egress::new(dialer)).await;
    for manner in MANNERS {
        let client = ask(&stage.house, "far.example:443").await;
        asked.acquire().await.unwrap().forget();
        manner.leave(client).await;
    }
    let notes = stage.settled("DNS", MANNERS.len()).await;
    left_before_the_answer(&notes, (Hop::Target, Step::Resolve));
}

async fn until_dials(hole: &BlackHole, count: usize) {
    let waiting = async {
        while hole.dials() != count {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap();
}

#[tokio::test]
async fn row_36_while_the_target_is_dialled() {
    let stage = Stage::direct(timeouts(DEADLINE)).await;
    let hole = BlackHole::new().await;
    for manner in MANNERS {
        // Whoever was before has left, and with it its dial.
        until_dials(&hole, 0).await;
        let client = ask(&stage.house, &hole.address.to_string()).await;
        until_dials(&hole, 1).await;
        manner.leave(client).await;
    }
    let notes = stage.settled("dial", MANNERS.len()).await;
    left_before_the_answer(&notes, (Hop::Target, Step::Connect));
    until_dials(&hole, 0).await;
}

#[tokio::test]
async fn row_36_while_the_parent_thinks() {
    let parent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", parent.local_addr().unwrap());
    let upstream = Arc::new(Upstream::new(url.parse().unwrap()));
    let dialer = Dialer::new(SystemResolver::default(), timeouts(DEADLINE));
    let policy = |_: &Target| Action::forward(Route::Proxy);
    let stage = Stage::new(policy, Egress::new(dialer).with_upstream(upstream)).await;
    let mut asked = Vec::new();
    for manner in MANNERS {
        let client = ask(&stage.house, "far.example:443").await;
        let (mut connection, _) = parent.accept().await.unwrap();
        read_head(&mut connection).await;
        manner.leave(client).await;
        asked.push(connection);
    }
    let notes = stage.settled("parent CONNECT", MANNERS.len()).await;
    left_before_the_answer(&notes, (Hop::Proxy, Step::Request));
    for mut connection in asked {
        // The parent is left too, and has heard nothing of the early data.
        assert_eq!(
            connection.read_to_end(&mut Vec::new()).await.unwrap_or(0),
            0
        );
    }
}

#[tokio::test]
async fn row_36_while_the_tunnel_carries() {
    let stage = Stage::direct(Timeouts::default()).await;
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for manner in MANNERS {
        let mut client = open(&stage.house, target.local_addr().unwrap(), b"hi").await;
        let (mut far, _) = target.accept().await.unwrap();
        far.read_exact(&mut [0; 2]).await.unwrap();
        far.write_all(b"ho").await.unwrap();
        client.read_exact(&mut [0; 2]).await.unwrap();
        manner.leave(client).await;
        let end = timeout(PATIENCE, far.read(&mut [0])).await.unwrap();
        match manner {
            Manner::Close => assert_eq!(end.unwrap(), 0),
            Manner::Reset => assert!(end.is_err(), "{end:?}"),
            // The end of file may be read before the reset has come.
            Manner::FinishAndReset => {}
        }
    }
    let notes = stage.settled("relay", 2 * MANNERS.len()).await;
    let ended = |blamed: bool| {
        let is = |note: &&Note| matches!(note, Note::Ended { blame, sent: 2, received: 2 } if blame.is_some() == blamed);
        notes.iter().filter(is).count()
    };
    assert_eq!(ended(false) + ended(true), MANNERS.len(), "{notes:?}");
    assert!(ended(true) >= 1, "{notes:?}");
}
