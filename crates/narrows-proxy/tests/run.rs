//! The binary at work: what signals do, what the log holds, and what it refuses to do.

#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod doubles;
mod support;

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use support::{command, narrows};

/// A running proxy with what it said until it listened; killed when dropped.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    address: SocketAddr,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut command = command(&["--listen", "127.0.0.1:0"], &[]);
        let mut child = command
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut proxy = Self {
            child,
            stderr,
            address: SocketAddr::from(([0; 4], 0)),
        };
        // Signals are caught before that line is written.
        let said = proxy.until("listening on ");
        proxy.address = said["listening on ".len()..].parse().unwrap();
        proxy
    }

    fn signal(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    fn until(&mut self, start: &str) -> String {
        loop {
            let line = line(&mut self.stderr);
            assert!(!line.is_empty(), "it never said {start:?}");
            if line.starts_with(start) {
                return line;
            }
        }
    }

    fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// A tunnel through it to `target`, open and silent.
    fn tunnel(&self, target: impl std::fmt::Display) -> TcpStream {
        let mut client = TcpStream::connect(self.address).unwrap();
        write!(
            client,
            "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"
        )
        .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 200 "));
        client
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One line without its end; empty when there are no more.
fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn sigterm_drains_and_the_log_has_start_and_stop() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let mut proxy = Running::start(&[
        "--log",
        log.to_str().unwrap(),
        "--proxy",
        "http://u:secret@p:1",
    ]);
    let summary = line(&mut proxy.stderr);
    assert!(
        summary.starts_with("upstream http://***@p:1 (argument --proxy); "),
        "{summary}"
    );
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.code(), Some(0));
    let log = std::fs::read_to_string(log).unwrap();
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(
        lines[0].contains(&format!("msg=\"started {} narrows-proxy ", proxy.address)),
        "{log}"
    );
    assert!(lines[1].contains("msg=\"stopped "), "{log}");
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn a_tunnel_that_outlives_draining_is_cut_and_it_shows() {
    let dir = tempfile::tempdir().unwrap();
    let (log, config) = (dir.path().join("log"), dir.path().join("proxy.toml"));
    std::fs::write(&config, "drain.seconds = 0.2\n").unwrap();
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut proxy = Running::start(&[
        "--log",
        log.to_str().unwrap(),
        "--config",
        config.to_str().unwrap(),
    ]);
    let _tunnel = proxy.tunnel(target.local_addr().unwrap());
    proxy.signal(Signal::INT);
    assert_eq!(
        proxy.until("stopped: "),
        "stopped: 1 connection was cut when draining ended"
    );
    assert_eq!(proxy.code(), Some(3));
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(
        log.matches(" done via direct bytes ->:0, <-:0\"").count(),
        1,
        "{log}"
    );
}

#[test]
fn a_second_signal_ends_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut proxy = Running::start(&["--log", log.to_str().unwrap()]);
    let _tunnel = proxy.tunnel(target.local_addr().unwrap());
    proxy.signal(Signal::TERM);
    proxy.until("draining: 1 connection is open; a second signal");
    proxy.signal(Signal::INT);
    assert_eq!(proxy.code(), Some(3));
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(
        log.matches(" done via direct bytes ->:0, <-:0\"").count(),
        1,
        "{log}"
    );
    assert!(
        log.lines()
            .last()
            .unwrap()
            .contains("msg=\"stopped at once by a second signal, 1 connection was open"),
        "{log}"
    );
}

#[test]
fn sighup_goes_on_in_a_new_file() {
    let dir = tempfile::tempdir().unwrap();
    let (log, rotated) = (dir.path().join("log"), dir.path().join("log.1"));
    let mut proxy = Running::start(&["--log", log.to_str().unwrap()]);
    let deadline = Instant::now() + Duration::from_secs(10);
    let until_exists = |path: &Path, words: &str| {
        while !std::fs::read_to_string(path).is_ok_and(|text| text.contains(words)) {
            assert!(
                Instant::now() < deadline,
                "no {words:?} in {}",
                path.display()
            );
            std::thread::yield_now();
        }
    };
    until_exists(&log, "started");
    std::fs::rename(&log, &rotated).unwrap();
    proxy.signal(Signal::HUP);
    until_exists(&log, "");
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.code(), Some(0));
    assert!(std::fs::read_to_string(&log).unwrap().contains("stopped"));
    assert!(
        !std::fs::read_to_string(&rotated)
            .unwrap()
            .contains("stopped")
    );
}

#[test]
fn a_log_that_cannot_be_written_is_said_at_once_and_once() {
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut proxy = Running::start(&["--log", "/dev/full"]);
    let said = proxy.until("warning: cannot write the log ");
    assert!(
        said.contains("/dev/full: No space left on device"),
        "{said}"
    );
    assert!(said.contains("; lines waiting: "), "{said}");
    drop(proxy.tunnel(target.local_addr().unwrap()));
    drop(target);
    proxy.signal(Signal::TERM);
    let mut rest = String::new();
    proxy.stderr.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("cannot write"), "{rest}");
    assert!(
        rest.contains("warning: lines of the log that are not written: "),
        "{rest}"
    );
}

#[test]
fn a_log_that_nobody_reads_is_said() {
    let mut child = command(&["--listen", "127.0.0.1:0"], &[])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut proxy = Running {
        stderr: BufReader::new(child.stderr.take().unwrap()),
        child,
        address: SocketAddr::from(([0; 4], 0)),
    };
    let said = proxy.until("warning: cannot write the log ");
    assert!(said.contains("on standard output: Broken pipe"), "{said}");
}

#[test]
fn a_directory_that_vanishes_holds_up_no_tunnel_and_costs_no_line() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    let log = logs.join("log");
    let mut proxy = Running::start(&["--log", log.to_str().unwrap()]);
    proxy.until("no upstream; ");
    std::fs::remove_dir_all(&logs).unwrap();
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = target.local_addr().unwrap();
    drop(proxy.tunnel(address));
    let said = proxy.until("warning: cannot write the log ");
    assert!(said.contains("/log: No such file"), "{said}");
    drop(proxy.tunnel(address));
    std::fs::create_dir(&logs).unwrap();
    let said = proxy.until("the log ");
    assert!(
        said.contains("is written again; lines dropped meanwhile: 0"),
        "{said}"
    );
    drop(target);
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.code(), Some(0));
    let lines = std::fs::read_to_string(&log).unwrap();
    assert_eq!(lines.matches(" --> ").count(), 2, "{lines}");
}

#[cfg(target_os = "linux")]
#[test]
fn every_sink_of_a_list_gets_the_lines_in_its_own_form() {
    use std::os::unix::net::UnixDatagram;

    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let daemon = |name: &str| {
        let socket = UnixDatagram::bind(path(name)).unwrap();
        let patience = Some(std::time::Duration::from_secs(30));
        socket.set_read_timeout(patience).unwrap();
        socket
    };
    let (syslog, journal) = (daemon("syslog"), daemon("journal"));
    let at = dir.path().display();
    let config = format!(
        "[[log.sinks]]\nto = \"{at}/squid.log\"\nformat = \"squid\"\n\
         [[log.sinks]]\nto = \"syslog:{at}/syslog\"\nfacility = \"local4\"\n\
         [[log.sinks]]\nto = \"journald:{at}/journal\"\nformat = \"json\"\n"
    );
    std::fs::write(path("proxy.toml"), config).unwrap();
    let mut proxy = Running::start(&["--config", path("proxy.toml").to_str().unwrap()]);
    proxy.until("no upstream; ");
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    drop(proxy.tunnel(target.local_addr().unwrap()));
    drop(target);
    let receive = |socket: &UnixDatagram, part: &str| {
        let mut octets = [0; 8192];
        loop {
            let length = socket.recv(&mut octets).unwrap();
            let text = String::from_utf8_lossy(&octets[..length]).into_owned();
            if text.contains(part) {
                return text;
            }
        }
    };
    let message = receive(&syslog, "done via direct");
    assert!(message.starts_with("<166>1 "), "{message}");
    assert!(message.contains(" narrows-proxy "), "{message}");
    let entry = receive(&journal, "NARROWS_VIA=direct\n");
    assert!(entry.starts_with("MESSAGE={\"time\":"), "{entry}");
    assert!(
        entry.contains("\nSYSLOG_IDENTIFIER=narrows-proxy\n"),
        "{entry}"
    );
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.code(), Some(0));
    let squid = std::fs::read_to_string(path("squid.log")).unwrap();
    assert!(
        squid.contains(" TCP_TUNNEL/200 ") && squid.lines().count() == 1,
        "{squid}"
    );
}

#[test]
fn a_log_that_cannot_be_opened_again_is_said_and_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, gone) = (dir.path().join("logs"), dir.path().join("gone"));
    std::fs::create_dir(&logs).unwrap();
    let log = logs.join("log");
    let mut proxy = Running::start(&["--log", log.to_str().unwrap()]);
    // The first line of the log is handed in before this one is said.
    proxy.until("no upstream; ");
    std::fs::rename(&logs, &gone).unwrap();
    proxy.signal(Signal::HUP);
    let said = proxy.until("warning: cannot open the log ");
    assert!(said.contains("/log again: No such file"), "{said}");
    std::fs::create_dir(&logs).unwrap();
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    drop(proxy.tunnel(target.local_addr().unwrap()));
    // A far side that stays would keep its half of the tunnel open.
    drop(target);
    let said = proxy.until("the log ");
    assert!(
        said.ends_with("/log is open again; lines dropped meanwhile: 0"),
        "{said}"
    );
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.code(), Some(0));
    let lines = |path: &Path| std::fs::read_to_string(path).unwrap();
    assert!(lines(&gone.join("log")).contains("started"));
    assert!(lines(&log).contains("stopped"));
}

#[test]
fn an_address_that_is_taken_is_1_with_a_hint() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, stdout, stderr) = narrows(&["--listen", &address], &[]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(
        stderr.contains(&format!("error: cannot listen on {address}: ")),
        "{stderr}"
    );
    assert!(
        stderr.contains("\nhint: another program listens there"),
        "{stderr}"
    );
    let (code, _, stderr) = narrows(
        &["--listen", "127.0.0.1:0", "--log", "/nonexistent/log"],
        &[],
    );
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("error: cannot open the log /nonexistent/log: "),
        "{stderr}"
    );
}

#[test]
fn addresses_that_overlap_are_not_blamed_on_another_program() {
    let free = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let (all, one) = (format!("0.0.0.0:{port}"), format!("127.0.0.1:{port}"));
    let (code, _, stderr) = narrows(
        &[
            "--listen",
            &all,
            "--listen",
            &one,
            "--allow-clients",
            "127.0.0.0/8",
        ],
        &[],
    );
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains(&format!(
            "error: cannot listen on {one}: it overlaps with {all}"
        )),
        "{stderr}"
    );
    assert!(stderr.contains("hint: leave one of them out"), "{stderr}");
}

/// As the reference says of `limits.head_bytes`.
#[test]
fn a_short_limit_of_heads_counts_for_connect_and_plain_http_has_8_kib() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("proxy.toml");
    std::fs::write(
        &config,
        "limits.head_bytes = 1024\nrules.deny = [\"no.example\"]\n",
    )
    .unwrap();
    let proxy = Running::start(&["--config", config.to_str().unwrap()]);
    for (request, length, status) in [
        (
            "CONNECT no.example:443 HTTP/1.1\r\nHost: no.example:443",
            100,
            "403",
        ),
        (
            "CONNECT no.example:443 HTTP/1.1\r\nHost: no.example:443",
            2000,
            "431",
        ),
        (
            "GET http://no.example/ HTTP/1.1\r\nHost: no.example",
            2000,
            "403",
        ),
        (
            "GET http://no.example/ HTTP/1.1\r\nHost: no.example",
            9000,
            "431",
        ),
    ] {
        let mut client = TcpStream::connect(proxy.address).unwrap();
        let padding = "x".repeat(length);
        write!(client, "{request}\r\nX-Padding: {padding}\r\n\r\n").unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert_eq!(answer, format!("HTTP/1.1 {status}"), "{request} {length}");
    }
}

#[test]
fn a_tunnel_to_the_proxy_itself_is_refused() {
    let proxy = Running::start(&[]);
    for host in ["127.0.0.1", "localhost"] {
        let mut client = TcpStream::connect(proxy.address).unwrap();
        let target = format!("{host}:{}", proxy.address.port());
        write!(
            client,
            "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(
            answer.contains("this proxy itself listens there"),
            "{answer}"
        );
    }
}

#[test]
fn the_gateway_carries_and_where_it_refuses_the_fallback_serves() {
    let gateway = doubles::Gateway::start("carried.example:443");
    let (upstream, upstream_heard) = doubles::enterprise_proxy();
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = format!("localhost:{}", target.local_addr().unwrap().port());
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("ca.pem"), &gateway.certificate).unwrap();
    std::fs::write(path("token"), "s3cr3t-token\n").unwrap();
    let config = format!(
        "proxy.url = \"http://{upstream}\"\n[gateway]\nurl = \"https://{}\"\nca_file = {:?}\ntoken_file = {:?}\nfallback = \"direct\"\n[rules]\ngateway = [\"carried.example\", \"localhost\"]\n",
        gateway.address,
        path("ca.pem"),
        path("token"),
    );
    std::fs::write(path("proxy.toml"), config).unwrap();
    let mut proxy = Running::start(&["--config", &path("proxy.toml"), "--log", &path("log")]);
    let summary = line(&mut proxy.stderr);
    let way = format!(
        "; gateway {} (auto) through proxy {upstream}, fallback direct; ",
        gateway.address
    );
    assert!(summary.contains(&way), "{summary}");

    let mut carried = proxy.tunnel("carried.example:443");
    carried.write_all(b"echo").unwrap();
    let mut back = [0; 4];
    carried.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"echo");
    carried.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(carried.read(&mut back).unwrap(), 0);

    let around = proxy.tunnel(&refused);
    drop((target.accept().unwrap(), around));
    proxy.signal(Signal::TERM);
    proxy.until("stopped: ");
    assert_eq!(proxy.code(), Some(0));

    let log = std::fs::read_to_string(path("log")).unwrap();
    assert!(
        log.contains(" done via gatewayh1 bytes ->:4, <-:4\""),
        "{log}"
    );
    let detour = log
        .lines()
        .find(|line| line.contains("wanted gateway, took direct"));
    assert!(
        detour.is_some_and(|line| line.contains(&refused) && line.contains("403")),
        "{log}"
    );
    assert!(log.contains(" done via direct "), "{log}");

    // The token and the targets' names are inside TLS, where the gateway finds them.
    let inside = doubles::text(&gateway.heard).to_lowercase();
    assert!(
        inside.contains("proxy-authorization: bearer s3cr3t-token"),
        "{inside}"
    );
    let outside = doubles::text(&upstream_heard);
    assert!(
        outside.starts_with(&format!("CONNECT {} HTTP/1.1", gateway.address)),
        "{outside}"
    );
    for hidden in ["s3cr3t", "carried.example", &refused] {
        assert!(!outside.contains(hidden), "{hidden}");
        assert!(
            !summary.contains("s3cr3t") && !log.contains("s3cr3t"),
            "{log}"
        );
    }
}

#[test]
fn a_key_that_is_not_the_certificates_is_2_with_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let make = || rcgen::generate_simple_self_signed(["client.example".to_owned()]).unwrap();
    std::fs::write(path("cert.pem"), make().cert.pem()).unwrap();
    std::fs::write(path("key.pem"), make().signing_key.serialize_pem()).unwrap();
    let config = format!(
        "[gateway]\nurl = \"https://gw.example\"\nclient_certificate_file = {:?}\nclient_key_file = {:?}\n",
        path("cert.pem"),
        path("key.pem"),
    );
    std::fs::write(path("proxy.toml"), config).unwrap();
    let (code, stdout, stderr) = narrows(&["--config", &path("proxy.toml")], &[]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(
        stderr.contains("proxy.toml:2: the client certificate does not belong to the key\nhint: "),
        "{stderr}"
    );
}
