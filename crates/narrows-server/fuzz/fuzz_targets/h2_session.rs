//! Any frames, and any octets between them, after HTTP/2's preface: no panic, and an end soon after the
//! client's.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use narrows_server_fuzz::House;

static HOUSE: LazyLock<House> = LazyLock::new(House::default);

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The last type of RFC 9113 is 9; one beyond stands for an unknown one.
const TYPES: u8 = 11;

/// The input has four octets for each frame (type, flags, stream, length) and then its payload: so changes
/// of it give other frames rather than broken ones. A type of 0x80 and above is not a frame: its payload goes
/// out as it stands.
fn session(input: &[u8]) -> Vec<u8> {
    let mut octets = PREFACE.to_vec();
    let mut rest = input;
    while let [kind, flags, stream, length, more @ ..] = rest {
        let (payload, behind) = more.split_at(usize::from(*length).min(more.len()));
        if *kind < 0x80 {
            let length = u32::try_from(payload.len()).unwrap_or_default();
            octets.extend_from_slice(&length.to_be_bytes()[1..]);
            octets.extend_from_slice(&[kind % TYPES, *flags, 0, 0, 0, *stream]);
        }
        octets.extend_from_slice(payload);
        rest = behind;
    }
    octets
}

// The first octet says how large the pieces are.
fuzz_target!(|input: &[u8]| {
    let Some((&piece, said)) = input.split_first() else {
        return;
    };
    HOUSE.h2(&session(said), usize::from(piece) + 1);
});
