//! Streams of requests in, numbers out.

use std::sync::Arc;

use http::Method;
use narrows_connect::Version;
use narrows_endpoint::{Hop, Step};
use narrows_log::ConnId;
use narrows_server::{Asked, EndWord, Terms};
use narrows_tunnel::Counts;

use super::*;
use crate::api::{Decisions, Outcome, Paging, Tunnels};

fn asked(connection: u64, target: &str) -> Asked {
    Asked {
        client: "127.0.0.1:50000".parse().unwrap(),
        id: ConnId {
            listener: 1,
            connection,
        },
        method: Method::CONNECT,
        since: tokio::time::Instant::now(),
        target: target.parse().unwrap(),
        version: Version::Http11,
    }
}

fn open(watch: &Watch, asked: &Asked, via: Via, terms: Option<&Terms>) {
    watch.opened(&Opened {
        asked,
        counts: Some(&Arc::<Counts>::default()),
        fallback: None,
        peer: asked.client,
        terms,
        via,
    });
}

fn end(watch: &Watch, asked: &Asked, via: Via, octets: (u64, u64), by: Option<Hop>) {
    let how = "reset";
    watch.ended(&Ended {
        asked,
        blame: by.map(|by| (by, &how as &dyn std::fmt::Display)),
        end: by.map_or(EndWord::Closed, |_| EndWord::Reset),
        fallback: None,
        peer: asked.client,
        received: octets.1,
        sent: octets.0,
        status: 200,
        terms: None,
        via,
    });
}

fn refuse(watch: &Watch, asked: Option<&Asked>, target: &str, status: u16, reason: &str) {
    watch.refused(&Refused {
        asked,
        client: "127.0.0.1:50000".parse().unwrap(),
        hop: Hop::Narrows,
        id: ConnId {
            listener: 1,
            connection: 0,
        },
        identity: None,
        reason,
        status,
        step: Step::Decide,
        target,
    });
}

#[tokio::test]
async fn what_is_open_moves_to_what_has_ended() {
    let watch = Watch::new();
    let all: Vec<Asked> = (1..=130).map(|n| asked(n, "a.example:443")).collect();
    for one in &all {
        open(&watch, one, Via::Proxy, None);
    }
    assert_eq!(watch.open(), 130);
    for one in &all[..100] {
        end(&watch, one, Via::Proxy, (3, 5), None);
    }
    let totals = watch.live.totals()[place(Via::Proxy)];
    assert_eq!((totals.open, totals.sent, totals.received), (30, 300, 500));
    let ends: Vec<_> = watch
        .tallies
        .ends()
        .filter(|(.., count)| *count > 0)
        .collect();
    assert_eq!(ends, [(place(Via::Proxy), EndWord::Closed, 100)]);
}

#[tokio::test]
async fn pages_end_with_the_last_tunnel() {
    let watch = Watch::new();
    for number in 1..=5 {
        open(
            &watch,
            &asked(number, &format!("n{number}.example:443")),
            Via::Direct,
            None,
        );
    }
    let page = |query: &str| {
        let page = Tunnels::of(&watch, &Paging::parse(query));
        let ids: Vec<_> = page.tunnels.iter().map(|one| one.id.clone()).collect();
        (page.total, ids.join(" "), page.next)
    };
    assert_eq!(page("limit=2"), (5, "P:1:C:1 P:1:C:2".to_owned(), Some(2)));
    assert_eq!(
        page("limit=2&after=3"),
        (5, "P:1:C:4 P:1:C:5".to_owned(), None)
    );
    assert_eq!(page("limit=5&after=0"), (5, page("").1, None));
    assert_eq!(page("after=5"), (5, String::new(), None));
    assert_eq!(page("host=n3."), (1, "P:1:C:3".to_owned(), None));
}

#[tokio::test]
async fn row_41_what_a_client_wrote_is_visible_and_short() {
    let watch = Watch::new();
    refuse(
        &watch,
        None,
        "<b>\u{1b}[31m\u{202e}\"\n",
        400,
        &"x".repeat(5000),
    );
    let all = Decisions::of(&watch, 10);
    assert_eq!(all.names, []);
    let fault = &all.faults[0];
    assert_eq!(fault.target, "<b>\\u{1b}[31m\\u{202e}\"\\u{a}");
    assert!(fault.reason.chars().count() < 400);
    assert_eq!((fault.outcome, fault.status), (Outcome::Refused, Some(400)));
}

#[tokio::test]
async fn faults_outlive_a_flood_of_good_requests() {
    let watch = Watch::new();
    let bad = asked(1, "bad.example:443");
    refuse(&watch, Some(&bad), "bad.example:443", 403, "denied");
    for number in 2..2000 {
        let good = asked(number, "good.example:443");
        open(&watch, &good, Via::Direct, None);
        end(&watch, &good, Via::Direct, (1, 2), None);
    }
    let broken = asked(2000, "broken.example:443");
    open(&watch, &broken, Via::GatewayH2, None);
    end(&watch, &broken, Via::GatewayH2, (0, 0), Some(Hop::Target));
    let all = Decisions::of(&watch, 10);
    let faults: Vec<_> = all.faults.iter().map(|fault| &*fault.target).collect();
    assert_eq!(faults, ["broken.example:443", "bad.example:443"]);
    assert_eq!(all.decisions.len(), 10);
    assert_eq!(all.names[0].host, "good.example");
    assert_eq!((all.names[0].direct, all.names[0].received), (1998, 3996));
}

#[tokio::test]
async fn would_deny_is_counted_and_remembered() {
    let watch = Watch::new();
    let terms = Terms {
        would_deny: Some("refused by policy".into()),
        ..Terms::default()
    };
    open(
        &watch,
        &asked(1, "ads.example:443"),
        Via::Direct,
        Some(&terms),
    );
    assert_eq!(watch.tallies.would_deny(), 1);
    let all = Decisions::of(&watch, 10);
    assert_eq!(all.faults[0].outcome, Outcome::WouldDeny);
    assert_eq!(all.faults[0].reason, "refused by policy");
    assert_eq!(all.names[0].would_deny, 1);
}

#[tokio::test]
async fn a_status_that_nobody_knows_is_one_of_the_others() {
    let watch = Watch::new();
    for status in [403, 403, 777, 418] {
        refuse(&watch, None, "", status, "");
    }
    let all: Vec<_> = watch.tallies.refusals().collect();
    assert_eq!(
        all,
        [
            (Hop::Narrows, Step::Decide, 403, 2),
            (Hop::Narrows, Step::Decide, 0, 2)
        ]
    );
}
