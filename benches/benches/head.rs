//! CONNECT heads: what one tunnel pays to be asked for and answered.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use narrows_connect::{
    Limits, ProxyError, Refusal, RequestParser, encode_request, parse_request, parse_response,
};

const REQUEST: &[u8] = b"CONNECT je.his.arc.azure.com:443 HTTP/1.1\r\n\
    Host: je.his.arc.azure.com:443\r\nUser-Agent: Go-http-client/1.1\r\n\r\n";
const RESPONSE: &[u8] =
    b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy (squid/5.7)\r\n\r\n";

fn heads(c: &mut Criterion) {
    let limits = Limits::default();
    let mut group = c.benchmark_group("head");
    group.throughput(Throughput::Bytes(REQUEST.len() as u64));
    group.bench_function("parse_request", |b| {
        b.iter(|| parse_request(black_box(REQUEST), &limits));
    });
    group.throughput(Throughput::Bytes(RESPONSE.len() as u64));
    group.bench_function("parse_response", |b| {
        b.iter(|| parse_response(black_box(RESPONSE), &limits));
    });
    let target = "je.his.arc.azure.com:443".parse().expect("a target");
    let mut head = BytesMut::with_capacity(256);
    group.throughput(Throughput::Elements(1));
    group.bench_function("encode_request", |b| {
        b.iter(|| {
            head.clear();
            encode_request(black_box(&target), None, &mut head);
        });
    });
    group.bench_function("encode_refusal", |b| {
        let refusal = Refusal {
            error: Some(ProxyError::DnsError),
            ..Refusal::new(502, "example.invalid does not resolve")
        };
        b.iter(|| black_box(&refusal).encode("narrows"));
    });
    group.finish();
}

/// The slowest client there is: a head of 16 KiB, one byte at a time.
fn trickle(c: &mut Criterion) {
    let head = format!(
        "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\nX: {}\r\n\r\n",
        "x".repeat(16 * 1024 - 64)
    );
    let mut group = c.benchmark_group("head");
    group.throughput(Throughput::Bytes(head.len() as u64));
    group.bench_function("parse_request_byte_by_byte", |b| {
        b.iter(|| {
            let mut parser = RequestParser::new(Limits::default());
            for len in 1..=head.len() {
                black_box(parser.parse(&head.as_bytes()[..len])).expect("a good head");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, heads, trickle);
criterion_main!(benches);
