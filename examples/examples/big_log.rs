//! Writes a made-up arcproxy.log to standard output, to try readers of logs with: many names, all routes,
//! requests that overlap, and damaged lines.
//!
//! `cargo run --release --example big_log -- 5120 > big.log` writes 5 GiB; without a number it is 64 KiB.
//! The same number gives the same log.

use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};

use narrows_log::Timestamp;

fn main() -> io::Result<()> {
    let mebibytes = std::env::args().nth(1);
    let mebibytes = mebibytes.and_then(|text| text.parse::<u64>().ok());
    let goal = mebibytes.map_or(64 << 10, |mebibytes| mebibytes << 20);
    match write(&mut BufWriter::with_capacity(1 << 20, io::stdout()), goal) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn write(out: &mut impl Write, goal: u64) -> io::Result<()> {
    let (mut dice, mut line) = (Dice(1), Vec::new());
    let mut open = VecDeque::new();
    let (mut written, mut ms) = (0, 1_721_214_886_339_u64);
    for request in 1_u64.. {
        ms += dice.below(40);
        line.clear();
        let time = Timestamp::new(ms.cast_signed(), -7 * 3600);
        let port = 32_768 + request % 28_000;
        writeln!(
            line,
            "time={time} level=INFO msg=\"P:1:C:{request} 127.0.0.1:{port} --> {}:443 on HTTP-1.1\"",
            name(&mut dice)
        )?;
        open.push_back(request);
        if open.len() > 200 {
            // Most end in order; one in a few overtakes.
            let at = usize::try_from(dice.below(20)).unwrap_or(0);
            let id = open.swap_remove_front(at).unwrap_or(request);
            let via = ["gatewayh1", "gatewayh1", "proxy", "direct"][(id % 4) as usize];
            let (sent, received) = (dice.below(9000), dice.below(900_000));
            writeln!(
                line,
                "time={time} level=INFO msg=\"P:1:C:{id} done via {via} bytes ->:{sent}, <-:{received}\""
            )?;
        }
        if dice.below(5000) == 0 {
            // The machine lost power in the middle of a line.
            line.truncate(line.len() / 3);
            line.push(b'\n');
        }
        out.write_all(&line)?;
        written += line.len() as u64;
        if written >= goal {
            break;
        }
    }
    out.flush()
}

/// A few names are asked for often, many hardly ever.
fn name(dice: &mut Dice) -> String {
    match dice.below(10) {
        0..=5 => format!("agent{}.his.arc.azure.com", dice.below(40)),
        6..=8 => format!("host{}.prod.corp.example", dice.below(3000)),
        _ => format!("x{:08x}.storage.example.net", dice.below(1 << 32)),
    }
}

/// Numbers that look like chance and come again: splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}
