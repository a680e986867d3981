//! Any bytes as a SOCKS5 proxy's answers: no panic, and one verdict for every split.
#![no_main]

use libfuzzer_sys::{arbitrary, fuzz_target};
use narrows_upstream::socks::{parse_login, parse_method, parse_reply};

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    split: u16,
    answer: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let part = &input.answer[..usize::from(input.split) % (input.answer.len() + 1)];
    macro_rules! one_verdict {
        ($parse:ident) => {
            match $parse(part) {
                Ok(None) => drop($parse(input.answer)),
                early => assert_eq!(early, $parse(input.answer)),
            }
        };
    }
    one_verdict!(parse_method);
    one_verdict!(parse_login);
    one_verdict!(parse_reply);
    if let Ok(Some((_, length))) = parse_reply(input.answer) {
        assert!(length <= input.answer.len());
    }
});
