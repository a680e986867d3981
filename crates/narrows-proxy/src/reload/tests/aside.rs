//! A reload happens aside: however long it takes, tunnels go on, and requests are judged by what held before.

use std::net::Ipv4Addr;
use std::sync::mpsc;

use rustix::process::{Signal as Kill, getpid, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::crowd::{InMemory, open, proxy};
use super::*;

/// Longer than any of this takes on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);

/// Row 45: the runtime has one thread, and the reload does not end before that has served.
#[tokio::test]
async fn row_45_a_reload_holds_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (server, mut reloader) = proxy(&dir, "");
    let (begins, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let (serves, served) = mpsc::channel();
    let (apply, served) = (reloader.apply, Mutex::new(served));
    reloader.apply = Box::new(move |policy, egress, settings, ways| {
        begins.send(()).unwrap();
        served.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        apply(policy, egress, settings, ways)
    });
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let told_of = move |outcome: &Outcome| tell.send(outcome.clone()).unwrap();
    // No other test of this process listens for it.
    let mut asked = signal(SignalKind::user_defined2()).unwrap();
    let reloader = Arc::new(reloader);

    let target = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = target.local_addr().unwrap();
    let mut client = open(&server, address).await;
    let (mut far, _) = target.accept().await.unwrap();
    std::fs::write(dir.path().join("proxy.toml"), "rules.default = \"deny\"\n").unwrap();
    kill_process(getpid(), Kill::USR2).unwrap();
    let carrying = async {
        begun.recv().await.unwrap();
        client.write_all(b"?").await.unwrap();
        assert_eq!(far.read_u8().await.unwrap(), b'?');
        far.write_all(b"!").await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), b'!');
        // By the rules that hold, which let everybody pass.
        drop(open(&server, address).await);
        assert_eq!(server.generation(), 1);
        serves.send(()).unwrap();
        told.recv().await.unwrap()
    };
    let outcome = tokio::select! {
        outcome = carrying => outcome,
        never = reloader.watch(&mut asked, || {}, told_of) => match never {},
    };
    assert!(
        matches!(outcome, Outcome::Applied { generation: 2, .. }),
        "{outcome:?}"
    );
    client.write_all(b"?").await.unwrap();
    assert_eq!(far.read_u8().await.unwrap(), b'?');
}

/// Row 45: whose request was the last under the old rules need not free them.
#[tokio::test]
async fn row_45_old_rules_are_freed_aside() {
    let dir = tempfile::tempdir().unwrap();
    let (server, reloader) = proxy(&dir, "");
    let old = Arc::downgrade(reloader.lock().policy.rules());
    let (client, theirs) = duplex(256);
    let serving = tokio::spawn({
        let server = server.clone();
        async move {
            let client = (Ipv4Addr::LOCALHOST, 40_000).into();
            server.serve_connection(InMemory(theirs), client, ()).await;
        }
    });
    while server.connections() == 0 {
        tokio::task::yield_now().await;
    }
    std::fs::write(dir.path().join("proxy.toml"), "rules.default = \"deny\"\n").unwrap();
    let outcome = reloader.reload();
    assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome:?}");
    reloader.look();
    assert_eq!(
        old.strong_count(),
        2,
        "the connection has them, and who will free them"
    );
    drop(client);
    serving.await.unwrap();
    assert_eq!(old.strong_count(), 1);
    reloader.look();
    assert_eq!(old.strong_count(), 0);
}
