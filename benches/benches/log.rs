//! Log lines: what a tunnel pays for its two records, and what a reader pays per line.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use narrows_endpoint::{Hop, Step};
use narrows_log::{ConnId, Event, HttpVersion, Options, Record, Timestamp, Via, Writer};

const ID: ConnId = ConnId {
    listener: 1,
    connection: 123_456,
};

fn records() -> [(&'static str, Record); 3] {
    let time = Timestamp::new(1_721_214_886_339, -7 * 3600);
    let client: SocketAddr = "127.0.0.1:49802".parse().expect("an address");
    let open = Event::Open {
        client: client.into(),
        id: ID,
        target: "je.his.arc.azure.com:443".parse().expect("a target"),
        version: HttpVersion::Http11,
    };
    let done = Event::Done {
        id: ID,
        sent: 2_290,
        received: 5_576_123,
        via: Via::GatewayH1,
    };
    let refused = Event::Refused {
        client: client.into(),
        hop: Hop::Narrows,
        id: ID,
        reason: "the port is missing".into(),
        status: 400,
        step: Step::Head,
        target: "evil\n\"example.com\"".into(),
    };
    [("open", open), ("done", done), ("refused", refused)]
        .map(|(name, event)| (name, Record::new(time, event)))
}

fn lines(c: &mut Criterion) {
    let mut group = c.benchmark_group("log");
    group.throughput(Throughput::Elements(1));
    for (name, record) in records() {
        let mut line = String::with_capacity(512);
        group.bench_function(format!("format_{name}"), |b| {
            b.iter(|| {
                line.clear();
                black_box(&record).write_line(&mut line);
            });
        });
        group.bench_function(format!("parse_{name}"), |b| {
            b.iter(|| black_box(&line).parse::<Record>());
        });
    }
    group.finish();
}

/// From the thread that logs: format under the lock, wake the writer once per batch.
fn handing_in(c: &mut Criterion) {
    let [(_, record), ..] = records();
    let mut group = c.benchmark_group("log");
    group.throughput(Throughput::Elements(1000));
    let writer = Writer::spawn(std::io::sink(), Options::default()).expect("a thread");
    let log = writer.handle();
    group.bench_function("hand_in_1000", |b| {
        // Each batch of lines finds an empty buffer, so that none is dropped.
        let empty = || {
            log.flush(Duration::from_secs(10))
                .expect("a sink that takes all");
        };
        b.iter_batched(
            empty,
            |()| {
                for _ in 0..1000 {
                    log.record(black_box(&record));
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
    assert_eq!(log.counts().dropped, 0);
}

criterion_group!(benches, lines, handing_in);
criterion_main!(benches);
