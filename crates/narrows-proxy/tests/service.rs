//! The binary under a service manager, which the tests play: it holds the socket, is told how the service
//! does, and starts the next process when one has ended.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here takes on a loaded machine.
const LONG: Duration = Duration::from_secs(60);

/// The service manager.
struct Manager {
    directory: tempfile::TempDir,
    news: UnixDatagram,
    socket: OwnedFd,
}

/// A process of the service; killed when dropped.
struct Service(Child);

impl Manager {
    fn new(socket: impl Into<OwnedFd>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let news = UnixDatagram::bind(directory.path().join("notify")).unwrap();
        news.set_read_timeout(Some(LONG)).unwrap();
        Self {
            directory,
            news,
            socket: socket.into(),
        }
    }

    /// Starts it as systemd does: the socket is descriptor 3, and the variables say so.
    fn start(&self, variables: &[(&str, &str)], args: &[&str]) -> Service {
        let pass = r#"exec 3<&0 </dev/null; LISTEN_PID=$$ exec "$0" "$@""#;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", pass, env!("CARGO_BIN_EXE_narrows-proxy")])
            .args(args)
            .env_clear()
            .env("NOTIFY_SOCKET", self.directory.path().join("notify"))
            .env("LISTEN_FDS", "1")
            .envs(variables.iter().copied())
            .stdin(Stdio::from(self.socket.try_clone().unwrap()))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        Service(command.spawn().unwrap())
    }

    /// The first message of those that follow with `assignment` in it.
    fn until(&self, assignment: &str) -> String {
        loop {
            let mut message = [0; 4096];
            let length = self.news.recv(&mut message).unwrap();
            let message = String::from_utf8(message[..length].to_vec()).unwrap();
            if message.lines().any(|line| line == assignment) {
                return message;
            }
        }
    }
}

impl Service {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    fn code(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }

    fn said(&mut self) -> String {
        let mut said = String::new();
        let stderr = self.0.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An origin that sends back what it reads.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            thread::spawn(move || io::copy(&mut socket.try_clone().unwrap(), &mut socket));
        }
    });
    address
}

/// A tunnel to `target`, a word through it and back, and its end.
fn round(proxy: SocketAddr, target: SocketAddr) -> io::Result<()> {
    let mut client = TcpStream::connect(proxy)?;
    client.set_read_timeout(Some(LONG))?;
    write!(
        client,
        "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"
    )?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    if !head.starts_with(b"HTTP/1.1 200 ") {
        return Err(io::Error::other(String::from_utf8_lossy(&head)));
    }
    client.write_all(b"word")?;
    let mut word = [0; 4];
    client.read_exact(&mut word)?;
    (&word == b"word")
        .then_some(())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Clients that open one tunnel after another until they are told to stop.
struct Load {
    clients: Vec<thread::JoinHandle<()>>,
    rounds: mpsc::Receiver<io::Result<()>>,
    stop: Arc<AtomicBool>,
}

impl Load {
    fn start(clients: usize, proxy: SocketAddr, target: SocketAddr) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let (told, rounds) = mpsc::channel();
        let clients = (0..clients).map(|_| {
            let (told, stop) = (told.clone(), Arc::clone(&stop));
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    told.send(round(proxy, target)).unwrap();
                }
            })
        });
        Self {
            clients: clients.collect(),
            rounds,
            stop,
        }
    }

    /// Waits for so many more rounds, all of them good.
    fn goes_on(&self, more: usize) {
        for _ in 0..more {
            self.rounds.recv_timeout(LONG).unwrap().unwrap();
        }
    }

    /// Ends it; the rounds that were left were good too.
    fn finish(self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
        for round in self.rounds.try_iter() {
            round.unwrap();
        }
    }
}

#[test]
fn restarts_under_load_refuse_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let manager = Manager::new(listener);
    let load = Load::start(4, address, echo());
    let mut service = manager.start(&[], &[]);
    manager.until("READY=1");
    for _ in 0..5 {
        load.goes_on(40);
        service.signal(Signal::TERM);
        assert_eq!(service.code(), Some(0), "{}", service.said());
        service = manager.start(&[], &[]);
        manager.until("READY=1");
    }
    load.goes_on(40);
    load.finish();
}

#[test]
fn the_manager_is_told_of_start_life_and_end() {
    let manager = Manager::new(TcpListener::bind("127.0.0.1:0").unwrap());
    let mut service = manager.start(&[("WATCHDOG_USEC", "20000")], &[]);
    let ready = manager.until("READY=1");
    assert!(ready.contains("\nSTATUS=no upstream; "), "{ready}");
    manager.until("WATCHDOG=1");
    manager.until("WATCHDOG=1");
    service.signal(Signal::TERM);
    let stopping = manager.until("STOPPING=1");
    assert!(stopping.contains("\nEXTEND_TIMEOUT_USEC="), "{stopping}");
    assert_eq!(service.code(), Some(0), "{}", service.said());
}

/// Longer than a drain that 32 bits hold in microseconds, and set after the start.
#[test]
fn the_manager_is_told_of_the_drain_that_holds_and_of_no_reload_behind_it() {
    let manager = Manager::new(TcpListener::bind("127.0.0.1:0").unwrap());
    let config = manager.directory.path().join("proxy.toml");
    std::fs::write(&config, "drain.seconds = 1\n").unwrap();
    let log = manager.directory.path().join("log");
    let args = [
        "--config",
        config.to_str().unwrap(),
        "--log",
        log.to_str().unwrap(),
    ];
    let mut service = manager.start(&[], &args);
    manager.until("READY=1");
    std::fs::write(&config, "[drain]\nseconds = 7200\nunready_seconds = 3600\n").unwrap();
    service.signal(Signal::HUP);
    let reloaded = loop {
        // The file may have been seen before the signal was: then the first is about that.
        let message = manager.until("READY=1");
        if message.contains("generation 2") {
            break message;
        }
    };
    assert!(reloaded.contains("\nSTATUS=reloaded"), "{reloaded}");
    service.signal(Signal::TERM);
    let stopping = manager.until("STOPPING=1");
    let extended = "EXTEND_TIMEOUT_USEC=10810000000";
    assert!(stopping.lines().any(|line| line == extended), "{stopping}");
    // That the next signal was heard shows in the log, which is opened again and nothing else is done.
    std::fs::remove_file(&log).unwrap();
    service.signal(Signal::HUP);
    let until = Instant::now() + LONG;
    while !log.exists() {
        assert!(Instant::now() < until, "the log was not opened again");
        thread::sleep(Duration::from_millis(10));
    }
    service.signal(Signal::TERM);
    service.code();
    manager.news.set_nonblocking(true).unwrap();
    let mut message = [0; 4096];
    while let Ok(length) = manager.news.recv(&mut message) {
        let later = String::from_utf8_lossy(&message[..length]).into_owned();
        assert!(
            !later.contains("RELOADING=1") && !later.contains("READY=1"),
            "{later}"
        );
    }
}

#[test]
fn a_passed_socket_beats_the_addresses_of_the_settings() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let manager = Manager::new(listener);
    let mut service = manager.start(&[], &["--listen", "127.0.0.1:1"]);
    manager.until("READY=1");
    service.signal(Signal::TERM);
    let said = service.said();
    assert!(
        said.contains(&format!("listening on {address}\n")),
        "{said}"
    );
    assert!(!said.contains("127.0.0.1:1\n"), "{said}");
}

#[test]
fn a_socket_that_does_not_listen_is_an_error_with_what_to_write() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let connected = TcpStream::connect(socket.local_addr().unwrap()).unwrap();
    let mut service = Manager::new(connected).start(&[], &[]);
    assert_eq!(service.code(), Some(1));
    let said = service.said();
    assert!(
        said.starts_with(
            "error: cannot listen on socket 0 of those that the service manager passed: "
        ),
        "{said}"
    );
    assert!(
        said.contains("\nhint: the .socket unit needs ListenStream="),
        "{said}"
    );
}

#[test]
fn without_descriptors_it_listens_by_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let manager = Manager::new(listener);
    let mut service = manager.start(&[("LISTEN_FDS", "0")], &["--listen", "127.0.0.1:0"]);
    manager.until("READY=1");
    service.signal(Signal::TERM);
    let said = service.said();
    assert!(said.contains("listening on 127.0.0.1:"), "{said}");
    assert!(
        !said.contains(&format!("listening on {address}\n")),
        "{said}"
    );
}
