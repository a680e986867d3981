use std::io::{BufReader, Read};
use std::net::TcpListener;

use super::*;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(30);

/// Offers lines until they are taken, as a writer does; faults are counted.
fn offer(sink: &mut Syslog, lines: &str) -> usize {
    let (mut done, mut faults) = (0, 0);
    while done < lines.len() {
        match sink.write_some(&lines.as_bytes()[done..]) {
            Ok(taken) => done += taken,
            Err(_) => faults += 1,
        }
        assert!(faults < 1000, "never taken");
    }
    faults
}

/// Reads one message with its count.
fn message(stream: &mut impl Read) -> String {
    let mut count = String::new();
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        if byte == *b" " {
            break;
        }
        count.push(char::from(byte[0]));
    }
    let mut message = vec![0; count.parse().unwrap()];
    stream.read_exact(&mut message).unwrap();
    String::from_utf8(message).unwrap()
}

#[cfg(unix)]
#[test]
fn a_local_daemon_may_go_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut sink = Syslog::new(SyslogAddress::Local(path.clone()));
    assert!(sink.write_some(b"nobody\n").is_err(), "not there yet");
    for round in ["first", "second"] {
        let daemon = UnixDatagram::bind(&path).unwrap();
        daemon.set_read_timeout(Some(LONG)).unwrap();
        offer(&mut sink, &format!("{round} a\n{round} b\n"));
        let mut octets = [0; 64];
        for line in ["a", "b"] {
            let length = daemon.recv(&mut octets).unwrap();
            assert_eq!(octets[..length], *format!("{round} {line}").as_bytes());
        }
        drop(daemon);
        std::fs::remove_file(&path).unwrap();
        assert!(
            sink.write_some(b"nobody\n").is_err(),
            "gone after the {round}"
        );
    }
}

#[test]
fn udp_has_a_datagram_for_each_line() {
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    daemon.set_read_timeout(Some(LONG)).unwrap();
    let address = daemon.local_addr().unwrap().to_string();
    let mut sink = Syslog::new(SyslogAddress::Udp(address.into()));
    assert_eq!(offer(&mut sink, "<30>1 a\n<30>1 bc\n"), 0);
    let mut octets = [0; 64];
    for line in ["<30>1 a", "<30>1 bc"] {
        let length = daemon.recv(&mut octets).unwrap();
        assert_eq!(octets[..length], *line.as_bytes());
    }
}

#[test]
fn tcp_counts_octets_and_connects_again() {
    let daemon = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = daemon.local_addr().unwrap().to_string();
    let mut sink = Syslog::new(SyslogAddress::Tcp(address.into()));
    assert_eq!(offer(&mut sink, "a\nb ä\n"), 0);
    let mut stream = BufReader::new(daemon.accept().unwrap().0);
    assert_eq!([message(&mut stream), message(&mut stream)], ["a", "b ä"]);

    // The daemon is restarted; the sink sees that before it writes.
    drop(stream);
    let (done, wait) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut stream = BufReader::new(daemon.accept().unwrap().0);
        done.send(message(&mut stream)).unwrap();
    });
    while !matches!(&sink.connection, Some(open) if !open.is_open()) {
        std::thread::yield_now();
    }
    offer(&mut sink, "c\n");
    assert_eq!(wait.recv_timeout(LONG).unwrap(), "c");
    reader.join().unwrap();
}

/// Takes so many octets and breaks.
struct Breaks(usize);

impl io::Write for Breaks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        match taken {
            0 => Err(io::ErrorKind::BrokenPipe.into()),
            taken => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_a_broken_stream_had_whole_is_not_sent_again() {
    // Frames of `4 one1`, `4 two2`.
    for (room, taken) in [(6, 5), (11, 5), (12, 10), (100, 10)] {
        let sent = send_counted(&mut Breaks(room), b"one1\ntwo2\n").unwrap();
        assert_eq!((sent.octets, sent.whole), (taken, room >= 12), "{room}");
    }
    assert!(send_counted(&mut Breaks(5), b"one1\ntwo2\n").is_err());
}
