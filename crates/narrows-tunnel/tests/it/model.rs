//! Whatever the streams do, what is delivered is what was sent.

use std::sync::Arc;

use bytes::Bytes;
use narrows_tunnel::{Counts, End, Leg, RelayOptions, Side, relay};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::stream::{Scripted, Step};

fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(
        prop_oneof![
            3 => (any::<u8>(), 1..2000_usize).prop_map(|(seed, len)| Step::Bytes(noise(seed, len))),
            1 => (any::<u8>(), 60_000..200_000_usize)
                .prop_map(|(seed, len)| Step::Bytes(noise(seed, len))),
            2 => Just(Step::Wait),
        ],
        0..8,
    )
}

/// Bytes in which a piece that is lost, doubled or moved shows.
fn noise(seed: u8, len: usize) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// How writes are taken: a list with at least one that takes something, or nothing would ever end.
fn takes() -> impl Strategy<Value = Vec<usize>> {
    (
        vec(prop_oneof![Just(0_usize), 1..5000_usize], 0..4),
        500..100_000_usize,
    )
        .prop_map(|(mut takes, last)| {
            takes.push(last);
            takes
        })
}

fn said(early: &[u8], script: &[Step]) -> Vec<u8> {
    let mut all = early.to_vec();
    for step in script {
        if let Step::Bytes(bytes) = step {
            all.extend_from_slice(bytes);
        }
    }
    all
}

#[derive(Debug)]
struct Peer {
    early: Vec<u8>,
    script: Vec<Step>,
    takes: Vec<usize>,
}

fn peer() -> impl Strategy<Value = Peer> {
    (vec(any::<u8>(), 0..300), steps(), takes()).prop_map(|(early, script, takes)| Peer {
        early,
        script,
        takes,
    })
}

fn run(
    client: &Peer,
    far: &Peer,
) -> (
    End,
    Arc<Counts>,
    [std::sync::Arc<std::sync::Mutex<crate::stream::Seen>>; 2],
) {
    let (client_io, client_seen) = Scripted::new(client.script.clone(), client.takes.clone());
    let (far_io, far_seen) = Scripted::new(far.script.clone(), far.takes.clone());
    let counts = Arc::<Counts>::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let end = runtime.block_on(async {
        relay(
            Leg::new(client_io, Bytes::copy_from_slice(&client.early)),
            Leg::new(far_io, Bytes::copy_from_slice(&far.early)),
            Arc::clone(&counts),
            &RelayOptions::default(),
        )
        .await
    });
    (end, counts, [client_seen, far_seen])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_byte_once_and_in_order(client in peer(), far in peer()) {
        let (end, counts, [client_seen, far_seen]) = run(&client, &far);
        let (client_seen, far_seen) = (client_seen.lock().unwrap(), far_seen.lock().unwrap());
        prop_assert_eq!(end, End::Closed);
        let (up, down) = (said(&client.early, &client.script), said(&far.early, &far.script));
        prop_assert!(far_seen.written == up);
        prop_assert!(client_seen.written == down);
        prop_assert_eq!((counts.sent(), counts.received()), (up.len() as u64, down.len() as u64));
        prop_assert!(client_seen.shut_down && far_seen.shut_down);
        prop_assert!(!client_seen.reset && !far_seen.reset);
    }

    #[test]
    fn counts_are_what_was_delivered_when_a_side_is_reset(
        mut client in peer(),
        far in peer(),
        at in any::<prop::sample::Index>(),
    ) {
        let at = at.index(client.script.len() + 1);
        client.script.insert(at, Step::Reset);
        let (end, counts, [client_seen, far_seen]) = run(&client, &far);
        let (client_seen, far_seen) = (client_seen.lock().unwrap(), far_seen.lock().unwrap());
        prop_assert_eq!(end, End::Reset { by: Side::Client });
        prop_assert_eq!(counts.sent(), far_seen.written.len() as u64);
        prop_assert_eq!(counts.received(), client_seen.written.len() as u64);
        let up = said(&client.early, &client.script[..at]);
        prop_assert!(up.starts_with(&far_seen.written));
        prop_assert!(said(&far.early, &far.script).starts_with(&client_seen.written));
        prop_assert!(far_seen.reset && !client_seen.reset);
    }
}
