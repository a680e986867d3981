use std::io::Read as _;
use std::mem::MaybeUninit;

use rustix::net::sockopt::set_socket_send_buffer_size;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::*;

fn journal() -> (tempfile::TempDir, UnixDatagram, Journald) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let daemon = UnixDatagram::bind(&path).unwrap();
    daemon
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    (dir, daemon, Journald::new(path))
}

#[test]
fn each_line_is_an_entry_of_fields() {
    let (_dir, daemon, mut sink) = journal();
    let lines = b"MESSAGE=a b\x1fPRIORITY=6\nMESSAGE=c\n";
    let first = sink.write_some(lines).unwrap();
    assert_eq!(
        sink.write_some(&lines[first..]).unwrap(),
        lines.len() - first
    );
    let mut octets = [0; 64];
    for entry in ["MESSAGE=a b\nPRIORITY=6\n", "MESSAGE=c\n"] {
        let length = daemon.recv(&mut octets).unwrap();
        assert_eq!(octets[..length], *entry.as_bytes());
    }
}

#[test]
fn a_daemon_that_was_away_gets_the_line_when_it_is_back() {
    let (dir, daemon, mut sink) = journal();
    sink.write_some(b"MESSAGE=a\n").unwrap();
    drop(daemon);
    std::fs::remove_file(dir.path().join("socket")).unwrap();
    assert!(sink.write_some(b"MESSAGE=b\n").is_err());
    assert!(sink.write_some(b"MESSAGE=b\n").is_err());
    let daemon = UnixDatagram::bind(dir.path().join("socket")).unwrap();
    sink.write_some(b"MESSAGE=b\n").unwrap();
    let mut octets = [0; 64];
    let length = daemon.recv(&mut octets).unwrap();
    assert_eq!(octets[..length], *b"MESSAGE=b\n");
}

#[test]
fn what_is_too_large_for_a_datagram_is_a_sealed_file() {
    let (_dir, daemon, mut sink) = journal();
    let socket = sink.connected().unwrap();
    set_socket_send_buffer_size(&socket, 4096).unwrap();
    sink.socket = Some(socket);
    let line = format!("MESSAGE={}\n", "x".repeat(100_000));
    assert_eq!(sink.write_some(line.as_bytes()).unwrap(), line.len());

    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    recvmsg(&daemon, &mut [], &mut control, RecvFlags::empty()).unwrap();
    let message = control.drain().next();
    let Some(RecvAncillaryMessage::ScmRights(mut files)) = message else {
        panic!("no file came");
    };
    let mut file = std::fs::File::from(files.next().unwrap());
    io::Seek::rewind(&mut file).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, line);
    assert!(io::Write::write(&mut file, b"more").is_err(), "sealed");
}
