//! Row 45 end to end: a settings file with very many rules, as one who imports a blocklist has. The proxy
//! starts with it, judges by it, and reloads it whole or not at all, while a tunnel goes on.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use narrows_tests::deadline;
use narrows_tests::proxy::{Proxy, Setup, connect_head};
use narrows_tests::raw::{Peer, Raw};

/// Without optimisation, on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(300);

/// A file whose line `count` has the rule `last`. Its rules deny nothing on loopback but for that.
fn file(count: usize, last: &str) -> String {
    let mut text = "rules.deny = [\n".to_owned();
    for line in 2..count {
        // Writing to a String cannot fail.
        let _ = match line % 4 {
            0 => writeln!(text, "\"*.customer{line}.example.net\","),
            1 => writeln!(text, "\"host{line}.example.com:443\","),
            2 => writeln!(
                text,
                "\"10.{}.{}.{}\",",
                line >> 16,
                (line >> 8) & 255,
                line & 255
            ),
            _ => writeln!(text, "\"www.shop{line}.example.org\","),
        };
    }
    text + &format!("\"{last}\",\n]\n")
}

/// Sends octets to and fro until it is told to stop; how often, and the longest that one took.
fn carry(mut tunnel: Raw, stop: &AtomicBool) -> (u64, Duration) {
    let (mut turns, mut longest) = (0, Duration::ZERO);
    while !stop.load(Ordering::SeqCst) {
        let start = Instant::now();
        tunnel.send("to and fro");
        assert_eq!(tunnel.exactly(10), b"to and fro");
        (turns, longest) = (turns + 1, longest.max(start.elapsed()));
    }
    (turns, longest)
}

/// A proxy with so many rules, of which the last denies one of two targets.
struct Stage {
    count: usize,
    proxy: Proxy,
    targets: [SocketAddr; 2],
    figures: String,
}

impl Stage {
    fn start(count: usize) -> Self {
        let echo = |mut client: Raw| while client.echo().is_ok_and(|count| count > 0) {};
        let ips = [2, 3].map(|last| Ipv4Addr::new(127, 0, 0, last));
        let targets = ips.map(|ip| Peer::start_at(ip.into(), echo).address);
        let text = file(count, &targets[0].ip().to_string());
        let start = Instant::now();
        let proxy = Setup::new().config(text).patience(PATIENCE).start();
        let mut stage = Self {
            count,
            proxy,
            targets,
            figures: format!("{count} rules"),
        };
        stage.note("started", start);
        stage
    }

    fn note(&mut self, what: &str, since: Instant) {
        let (took, memory) = (since.elapsed(), self.proxy.vitals().memory());
        self.figures += &format!("; {what} in {took:?}, {memory} KiB");
    }

    /// What clients who ask for either target are answered.
    fn statuses(&self) -> [u16; 2] {
        self.targets.map(|target| {
            let mut client = self.proxy.connect();
            client.send(connect_head(&target.to_string()));
            client.head().status()
        })
    }

    /// Writes a file that ends in this rule, and waits until the proxy says what came of it.
    fn reload(&mut self, last: &str, outcome: &str) {
        let start = Instant::now();
        self.proxy.reconfigure(&file(self.count, last));
        deadline::within(PATIENCE, outcome, || {
            self.proxy.said().contains(outcome).then_some(())
        });
        self.note(outcome, start);
    }
}

/// Starts with so many rules, and reloads with one that is broken and then with others: the figures.
fn many(count: usize) -> String {
    let mut stage = Stage::start(count);
    let first = stage.targets[0].to_string();
    for target in [
        "a.b.customer4.example.net:1",
        "host5.example.com:443",
        "10.0.0.6:7",
        &first,
    ] {
        let (head, body) = stage.proxy.ask(connect_head(target));
        assert_eq!(head.status(), 403, "{target}: {body}");
        let is_last = body.contains(&format!("config.toml:{count})"));
        assert_eq!(is_last, target == first, "{body}");
    }
    assert_eq!(stage.statuses(), [403, 200]);

    let tunnel = stage.proxy.tunnel(&stage.targets[1].to_string());
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let carrier = thread::spawn(move || carry(tunnel, &stopped));
    let broken = "*.*.bad..example";
    stage.reload(broken, "reload failed, nothing changed:");
    let place = format!("config.toml:{count}: rules.deny: pattern \"{broken}\": ");
    deadline::until(&place, || stage.proxy.said().contains(&place).then_some(()));
    assert_eq!(stage.statuses(), [403, 200]);
    let second = stage.targets[1].ip().to_string();
    stage.reload(&second, "reloaded as generation 2: ");
    assert_eq!(stage.statuses(), [200, 403]);

    stop.store(true, Ordering::SeqCst);
    let (turns, longest) = carrier.join().unwrap();
    stage.proxy.stop();
    let figures = stage.figures;
    format!("{figures}; meanwhile {turns} times to and fro, {longest:?} at most")
}

#[test]
fn row_45_ten_thousand_rules() {
    println!("{}", many(10_000));
}

/// `cargo test --release -p narrows-tests --test it row_45_a_million -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes without optimisation"]
fn row_45_a_million_rules() {
    println!("{}", many(1_000_000));
}
