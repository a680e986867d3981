//! Any octets on a connection to the server, in pieces: no panic, an end soon after the client's, and what
//! comes to the origin is a row of whole, unambiguous requests, no more than the server says it carried.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use narrows_server_fuzz::House;

static HOUSE: LazyLock<House> = LazyLock::new(House::default);

// The first octet says how large the pieces are.
fuzz_target!(|input: &[u8]| {
    let Some((&piece, said)) = input.split_first() else {
        return;
    };
    HOUSE.http(said, usize::from(piece) + 1);
});
