//! Instructions for each head, decision and log line: figures that a busy machine does not move.
//!
//! `cargo bench -p narrows-benches --bench instructions` runs this program under valgrind's callgrind, twice
//! for each operation, with different numbers of repetitions; what they differ by is the operation alone.
#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]
#![expect(clippy::print_stdout, reason = "a bench talks to its reader")]

use std::error::Error;
use std::hint::black_box;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use narrows_benches::machine::installed;
use narrows_benches::rules::{patterns, rule_set, targets};
use narrows_benches::table::{number, print};
use narrows_connect::{Limits, parse_request, parse_response};
use narrows_log::{ConnId, Event, HttpVersion, Record, Timestamp, Via};

/// Makes this program repeat one operation and do nothing else.
const REPEAT: &str = "repeat";
/// The targets of the decisions come by turns, so these are whole turns.
const FEW: u32 = 1_000;
const MANY: u32 = 3_000;

const REQUEST: &[u8] = b"CONNECT je.his.arc.azure.com:443 HTTP/1.1\r\n\
    Host: je.his.arc.azure.com:443\r\nUser-Agent: Go-http-client/1.1\r\n\r\n";
const RESPONSE: &[u8] =
    b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy (squid/5.7)\r\n\r\n";

/// Repeats an operation so often.
type Run = fn(u32);

/// What is counted.
const OPERATIONS: [(&str, Run); 6] = [
    ("parse a CONNECT request", request),
    ("parse a CONNECT response", response),
    ("decide by 20 rules", |times| decide(20, times)),
    ("decide by 1 000 rules", |times| decide(1_000, times)),
    ("write a request line", |times| line(&open(), times)),
    ("write a done line", |times| line(&done(), times)),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, operation, times] = arguments.as_slice()
        && first == REPEAT
    {
        return repeat(operation, times);
    }
    // What `cargo bench` adds; `cargo test --benches` does not, and wants no figures.
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("nothing to test here; `cargo bench` counts");
        return ExitCode::SUCCESS;
    }
    let Some(valgrind) = installed("valgrind") else {
        println!("NOTHING WAS COUNTED: valgrind is not installed");
        return ExitCode::FAILURE;
    };
    match count_all(&valgrind) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cannot count: {error}");
            ExitCode::FAILURE
        }
    }
}

fn count_all(valgrind: &Path) -> Result<(), Box<dyn Error>> {
    let mut rows = Vec::new();
    for (operation, _) in OPERATIONS {
        let more = count(valgrind, operation, MANY)? - count(valgrind, operation, FEW)?;
        let each = more / f64::from(MANY - FEW);
        rows.push(vec![operation.to_owned(), number(Some(each), 0)]);
    }
    print("Instructions", &["what", "each"], &rows);
    Ok(())
}

/// Instructions of a whole run.
fn count(valgrind: &Path, operation: &str, times: u32) -> Result<f64, Box<dyn Error>> {
    let file = tempfile::NamedTempFile::new()?;
    let mut out = std::ffi::OsString::from("--callgrind-out-file=");
    out.push(file.path());
    let mut command = Command::new(valgrind);
    command.arg("--tool=callgrind").arg(out);
    command.arg(std::env::current_exe()?);
    command.args([REPEAT, operation, &times.to_string()]);
    let output = command.stdout(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let text = std::fs::read_to_string(file.path())?;
    let total = text.lines().find_map(|line| {
        let total = line.strip_prefix("summary: ");
        total.or_else(|| line.strip_prefix("totals: "))
    });
    Ok(total.ok_or("callgrind gave no total")?.trim().parse()?)
}

fn repeat(operation: &str, times: &str) -> ExitCode {
    let known = OPERATIONS.iter().find(|(name, _)| *name == operation);
    let (Some((_, run)), Ok(times)) = (known, times.parse()) else {
        return ExitCode::from(2);
    };
    run(times);
    ExitCode::SUCCESS
}

fn request(times: u32) {
    let limits = Limits::default();
    for _ in 0..times {
        let _ = black_box(parse_request(black_box(REQUEST), &limits));
    }
}

fn response(times: u32) {
    let limits = Limits::default();
    for _ in 0..times {
        let _ = black_box(parse_response(black_box(RESPONSE), &limits));
    }
}

fn decide(rules: usize, times: u32) {
    let patterns = patterns(rules);
    let targets = targets(&patterns);
    let rules = rule_set(&patterns);
    for (_, target) in (0..times).zip(targets.iter().cycle()) {
        black_box(rules.decide(black_box(target)).route);
    }
}

fn line(record: &Record, times: u32) {
    let mut line = String::with_capacity(512);
    for _ in 0..times {
        line.clear();
        black_box(record).write_line(black_box(&mut line));
    }
}

const ID: ConnId = ConnId {
    listener: 1,
    connection: 123_456,
};

fn open() -> Record {
    let client: SocketAddr = "127.0.0.1:49802".parse().expect("an address");
    at(Event::Open {
        client: client.into(),
        id: ID,
        target: "je.his.arc.azure.com:443".parse().expect("a target"),
        version: HttpVersion::Http11,
    })
}

fn done() -> Record {
    at(Event::Done {
        id: ID,
        sent: 2_290,
        received: 5_576_123,
        via: Via::GatewayH1,
    })
}

fn at(event: Event) -> Record {
    Record::new(Timestamp::new(1_721_214_886_339, -7 * 3600), event)
}
