//! Any bytes as a CONNECT request: no panic, one verdict for every split, and what is accepted can be
//! sent on without changing its meaning.
#![no_main]

use libfuzzer_sys::{arbitrary, fuzz_target};
use narrows_connect::{Limits, RequestParser, Status, encode_forwarded, parse_request};

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    split: u16,
    head: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let limits = Limits { max_bytes: 512, max_headers: 8 };
    let whole = parse_request(input.head, &limits);
    let mut parser = RequestParser::new(limits);
    let first = parser.parse(&input.head[..usize::from(input.split) % (input.head.len() + 1)]);
    // An error may be known early; then it is the error that the whole gives.
    if matches!(first, Ok(Status::Partial)) {
        assert_eq!(parser.parse(input.head), whole);
    } else {
        assert_eq!(first.map_err(|e| e.kind().clone()), whole.clone().map_err(|e| e.kind().clone()));
    }
    if let Ok(Status::Complete(request)) = whole {
        let mut head = bytes::BytesMut::new();
        encode_forwarded(&request.target, &request.via, None, &mut head);
        let again = parse_request(&head, &Limits::default()).unwrap().complete().unwrap();
        assert_eq!((again.target, again.via, again.len), (request.target, request.via, head.len()));
    }
});
