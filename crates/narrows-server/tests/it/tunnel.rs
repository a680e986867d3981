use narrows_connect::{ProxyError, Refusal};
use narrows_endpoint::{Hop, Route, RuleSet, Step, Target};
use narrows_server::{Action, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::house::{House, Note, open, target};

#[tokio::test]
async fn a_tunnel_carries_early_data_and_half_close() {
    let house = House::start().await;
    let (address, heard) = target().await;
    let mut client = open(&house, address, b"early ").await;
    client.write_all(b"late").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(heard.await.unwrap(), b"early late");
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "goodbye");
    let (drained, notes) = house.stop().await;
    assert_eq!(drained.cut, 0);
    let ended = Note::Ended {
        blame: None,
        sent: 10,
        received: 7,
    };
    assert_eq!(notes, [Note::Opened(address.to_string()), ended]);
}

#[tokio::test]
async fn a_refused_connect_closes_and_parses_nothing_behind_it() {
    let deny = |target: &Target| {
        Action::Refuse(Refusal {
            error: Some(ProxyError::HttpRequestDenied),
            ..Refusal::new(403, format!("{target} is denied"))
        })
    };
    let house = House::with(deny, Settings::default()).await;
    let answer = house
        .say(
            b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n\
              GET http://b.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
    assert!(
        answer.contains("Proxy-Status: narrows; error=http_request_denied"),
        "{answer}"
    );
    assert_eq!(answer.matches("HTTP/1.1").count(), 1);
    let (_, notes) = house.stop().await;
    assert_eq!(notes.len(), 1, "{notes:?}");
}

#[tokio::test]
async fn rules_are_a_policy() {
    let rules = RuleSet::builder(narrows_endpoint::Routes {
        never: Route::Direct,
        default: Route::Deny,
    })
    .build()
    .unwrap();
    let house = House::with(rules, Settings::default()).await;
    let answer = house.say(b"CONNECT a.example:443 HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(
        answer.ends_with('\n') && answer.contains("a.example:443 is denied: "),
        "{answer}"
    );
}

#[tokio::test]
async fn a_target_that_refuses_is_a_502_that_names_it() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let house = House::start().await;
    let answer = house
        .say(format!("CONNECT {closed} HTTP/1.0\r\n\r\n").as_bytes())
        .await;
    assert!(
        answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("error=connection_refused; next-hop=\"target\""),
        "{answer}"
    );
    let (_, notes) = house.stop().await;
    let [
        Note::Refused {
            status: 502,
            hop: Hop::Target,
            step: Step::Connect,
            ..
        },
    ] = &notes[..]
    else {
        panic!("{notes:?}")
    };
}

#[tokio::test]
async fn what_is_not_http_is_told_so() {
    let house = House::start().await;
    let answer = house.say(b"\x16\x03\x01\x02\x00\x01\x00").await;
    assert!(answer.contains("this looks like TLS"), "{answer}");
    let answer = house.say(b"\x05\x01\x00").await;
    assert!(answer.contains("this looks like SOCKS"), "{answer}");
    let answer = house
        .say(b"CONNECT example.com HTTP/1.1\r\nHost: example.com\r\n\r\n")
        .await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("port"),
        "{answer}"
    );
    let (_, notes) = house.stop().await;
    assert_eq!(notes.len(), 3);
    assert!(
        notes
            .iter()
            .all(|note| matches!(note, Note::Refused { status: 400, .. }))
    );
}

#[tokio::test]
async fn a_detour_that_fails_says_why_it_was_taken() {
    let house = House::with(
        |_: &Target| Action::forward(Route::Gateway),
        Settings::default(),
    )
    .await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = closed.local_addr().unwrap();
    drop(closed);
    let answer = house
        .say(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").as_bytes())
        .await;
    let why = "(route direct instead of gateway: no gateway is available)";
    assert!(answer.contains(why), "{answer}");
    let (_, notes) = house.stop().await;
    assert!(
        matches!(&notes[..], [Note::Refused { reason, .. }] if reason.contains(why)),
        "{notes:?}"
    );
}
