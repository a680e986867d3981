//! Any bytes as an upstream's answer: no panic, and one verdict for every split.
#![no_main]

use libfuzzer_sys::{arbitrary, fuzz_target};
use narrows_connect::{Limits, Response, ResponseError, ResponseParser, Status, parse_response};

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    split: u16,
    head: &'a [u8],
}

/// Excerpts depend on what had arrived; everything else must not.
fn kind(verdict: Result<Status<Response>, ResponseError>) -> Result<Status<Response>, String> {
    verdict.map_err(|error| match error {
        ResponseError::NotHttp { .. } => "not HTTP".to_owned(),
        other => other.to_string(),
    })
}

fuzz_target!(|input: Input<'_>| {
    let limits = Limits { max_bytes: 512, max_headers: 8 };
    let whole = parse_response(input.head, &limits);
    let mut parser = ResponseParser::new(limits);
    let first = parser.parse(&input.head[..usize::from(input.split) % (input.head.len() + 1)]);
    let stepwise = match first {
        Ok(Status::Partial) => parser.parse(input.head),
        verdict => verdict,
    };
    assert_eq!(kind(stepwise), kind(whole));
});
