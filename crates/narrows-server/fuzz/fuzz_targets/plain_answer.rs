//! Any octets as an origin's answer to a plain request: no panic, an end soon after the origin's, and the client
//! gets one unambiguous answer, or a part of one.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use narrows_server_fuzz::House;

static HOUSE: LazyLock<House> = LazyLock::new(House::default);

fuzz_target!(|answer: &[u8]| HOUSE.answered(answer));
