//! Any bytes as the answer to a hand-made ClientHello: no panic, nothing kept beyond the limits, and a
//! final reading that no further byte changes.
#![no_main]

use libfuzzer_sys::{arbitrary, fuzz_target};
use narrows_tls_probe::hello::{MAX_KEPT, Reply, read_reply};

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    split: u16,
    answer: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let whole = read_reply(input.answer);
    let first = read_reply(&input.answer[..usize::from(input.split) % (input.answer.len() + 1)]);
    match &first {
        Reply::NotTls(kept) => {
            assert!(kept.len() <= MAX_KEPT);
            assert!(matches!(&whole, Reply::NotTls(more) if more.starts_with(kept)));
        }
        first if first.is_final() => assert_eq!(*first, whole),
        _ => {}
    }
});
