//! The tunnel log in the forms that give a request one line.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use narrows_connect::Refusal;
use narrows_endpoint::{Hop, Route, Step, Target};
use narrows_log::{Access, AccessFormat, Format, Options, Sink, Timestamp, Via, Writer};
use narrows_server::{Action, Egress, Server, Settings, TunnelLog};
use narrows_upstream::{Dialer, SystemResolver, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::house::target;

#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Sink for Memory {
    fn write_some(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A tunnel of 4 octets there and 7 back, and a target that is denied: their lines.
async fn lines(format: AccessFormat) -> Vec<Access> {
    let memory = Memory::default();
    let options = Options {
        format: Format::Access(format),
        ..Options::default()
    };
    let writer = Writer::spawn(memory.clone(), options).unwrap();
    let log = TunnelLog::new(writer.handle(), Box::new(|| Timestamp::new(0, 0)));
    let policy = |target: &Target| match target.port() {
        25 => Action::Refuse(Refusal::new(403, "no mail")),
        _ => Action::forward(Route::Direct),
    };
    let dialer = Dialer::new(SystemResolver::default(), Timeouts::default());
    let server = Server::new(policy, Egress::new(dialer), log, Settings::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(async move {
        server
            .serve(vec![listener], async { drop(stopped.await) })
            .await
    });

    let (far, _heard) = target().await;
    for name in [far.to_string(), "mail.test:25".to_owned()] {
        let mut client = TcpStream::connect(address).await.unwrap();
        let head = format!("CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n\r\nping");
        client.write_all(head.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        client.read_to_end(&mut Vec::new()).await.unwrap();
    }
    drop(stop);
    serving.await.unwrap();
    writer.shutdown(Duration::from_secs(5)).unwrap();
    let text = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
    text.lines()
        .map(|line| Access::parse(format, line).unwrap_or_else(|e| panic!("{line}: {e}")))
        .collect()
}

#[tokio::test]
async fn every_request_is_one_line_of_json_with_everything() {
    let lines = lines(AccessFormat::Json).await;
    let [carried, refused] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!((&*carried.method, carried.status), ("CONNECT", 200));
    assert_eq!((carried.sent, carried.received), (Some(4), 7));
    assert_eq!(carried.via, Some(Via::Direct));
    assert_eq!(carried.peer.as_deref(), Some(&*carried.target));
    assert!(carried.elapsed_ms.is_some() && carried.fault.is_none());
    let fault = refused.fault.as_ref().unwrap();
    assert_eq!(
        (refused.status, fault.by, fault.step),
        (403, Hop::Narrows, Step::Decide)
    );
    assert_eq!(&*fault.reason, "no mail");
}

#[tokio::test]
async fn every_request_is_one_line_as_squid_writes_it() {
    let lines = lines(AccessFormat::Squid).await;
    let [carried, refused] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(carried.result.as_deref(), Some("TCP_TUNNEL"));
    assert_eq!((carried.status, carried.received), (200, 7));
    assert_eq!(carried.peer.as_deref(), Some("127.0.0.1"));
    assert_eq!(refused.result.as_deref(), Some("TCP_DENIED"));
    assert_eq!(&*refused.target, "mail.test:25");
}
