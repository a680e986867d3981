//! A name server that answers what a test tells it to, true or not.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;

use crate::launch::Launch;

/// An answer, or what takes its place.
#[derive(Clone, Debug)]
pub enum Reply {
    /// These records, with no error.
    Records(Vec<Record>),
    /// Only this code.
    Code(u8),
    /// None at all.
    Silence,
}

/// One record of an answer.
#[derive(Clone, Debug)]
pub struct Record {
    /// Whose it is; the name that was asked about if nothing is said.
    pub owner: Option<String>,
    /// For how long it holds, in seconds.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

/// What a record says.
#[derive(Clone, Debug)]
pub enum Data {
    /// An address.
    A(Ipv4Addr),
    /// Another name.
    Cname(String),
}

/// How a name server answers: it is given the name, and how often that was asked about before.
type Script = dyn Fn(&str, usize) -> Reply + Send + Sync;

/// A running name server at 127.0.0.1:53, which takes a host of its own. It knows of addresses of the
/// fourth version only, and answers over UDP what fits there.
#[derive(Clone)]
pub struct Dns {
    asked: Arc<Mutex<HashMap<String, usize>>>,
    directory: Arc<TempDir>,
    script: Arc<Script>,
}

/// The code of a name server that failed.
pub const SERVFAIL: u8 = 2;
/// The code for a name that does not exist.
pub const NXDOMAIN: u8 = 3;

// === impl Dns ===

impl Dns {
    /// Starts it.
    ///
    /// # Panics
    ///
    /// When there is another one on this host.
    pub fn start(script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let dns = Self {
            asked: Arc::default(),
            directory: Arc::new(directory),
            script: Arc::new(script),
        };
        let lines = "nameserver 127.0.0.1\noptions timeout:2 attempts:2\n";
        std::fs::write(dns.settings(), lines).expect("a writable directory");
        let here = (Ipv4Addr::LOCALHOST, 53);
        let datagrams = UdpSocket::bind(here).expect("nobody else is here");
        let listener = TcpListener::bind(here).expect("nobody else is here");
        let (by_udp, by_tcp) = (dns.clone(), dns.clone());
        thread::spawn(move || by_udp.serve_datagrams(&datagrams));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A client that goes away is no fault of the server.
                let _ = by_tcp.serve_stream(stream);
            }
        });
        dns
    }

    /// How a process is started that asks it; `launch` must not have mounts of its own.
    pub fn launch(&self, launch: Launch) -> Launch {
        let settings = self.settings();
        let line = format!("mount --bind {} /etc/resolv.conf", settings.display());
        launch.own_mounts().after(&line)
    }

    /// How often it was asked for the address of a name.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn asked(&self, name: &str) -> usize {
        let asked = self.asked.lock().expect("no panics");
        asked.get(name).copied().unwrap_or(0)
    }

    fn settings(&self) -> PathBuf {
        self.directory.path().join("resolv.conf")
    }

    fn serve_datagrams(&self, socket: &UdpSocket) {
        let mut query = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut query) {
            let Some(answer) = self.answer(&query[..length]) else {
                continue;
            };
            let answer = if answer.len() <= query.len() {
                answer
            } else {
                truncated(&answer)
            };
            let _ = socket.send_to(&answer, client);
        }
    }

    fn serve_stream(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut length = [0; 2];
        while stream.read_exact(&mut length).is_ok() {
            let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut query)?;
            if let Some(answer) = self.answer(&query) {
                let length = u16::try_from(answer.len()).expect("a short answer");
                stream.write_all(&[&length.to_be_bytes()[..], &answer].concat())?;
            }
        }
        Ok(())
    }

    /// `None` is silence.
    fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
        let (name, end) = read_name(query)?;
        let kind = query.get(end..end + 2)?;
        let reply = if kind == [0, 1] {
            (self.script)(&name, self.count(&name))
        } else {
            match (self.script)(&name, self.asked(&name)) {
                // There are no addresses of the sixth version.
                Reply::Records(_) => Reply::Records(Vec::new()),
                reply => reply,
            }
        };
        let (code, records) = match reply {
            Reply::Records(records) => (0, records),
            Reply::Code(code) => (code, Vec::new()),
            Reply::Silence => return None,
        };
        let count = u16::try_from(records.len())
            .expect("few records")
            .to_be_bytes();
        let mut answer = query[..2].to_vec();
        answer.extend([0x81, 0x80 | code, 0, 1, count[0], count[1], 0, 0, 0, 0]);
        answer.extend(&query[HEADER..end + 4]);
        for record in records {
            record.write(&mut answer);
        }
        Some(answer)
    }

    /// Counts a question, and says how many there were before.
    fn count(&self, name: &str) -> usize {
        let mut asked = self.asked.lock().expect("no panics");
        let count = asked.entry(name.to_owned()).or_default();
        *count += 1;
        *count - 1
    }
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dns").finish_non_exhaustive()
    }
}

// === impl Reply ===

impl Reply {
    /// One address.
    pub fn address(address: impl Into<Ipv4Addr>) -> Self {
        Self::Records(vec![Record::address(address)])
    }
}

// === impl Record ===

impl Record {
    /// An address of the name that was asked about.
    pub fn address(address: impl Into<Ipv4Addr>) -> Self {
        Self {
            owner: None,
            ttl: 60,
            data: Data::A(address.into()),
        }
    }

    fn write(&self, answer: &mut Vec<u8>) {
        match &self.owner {
            // Where the name in the question is.
            None => answer.extend([0xc0, 12]),
            Some(owner) => write_name(owner, answer),
        }
        let (kind, data) = match &self.data {
            Data::A(address) => (1, address.octets().to_vec()),
            Data::Cname(name) => {
                let mut data = Vec::new();
                write_name(name, &mut data);
                (5, data)
            }
        };
        answer.extend([0, kind, 0, 1]);
        answer.extend(self.ttl.to_be_bytes());
        let length = u16::try_from(data.len()).expect("short");
        answer.extend(length.to_be_bytes());
        answer.extend(data);
    }
}

/// The name in a question, and where it ends.
fn read_name(query: &[u8]) -> Option<(String, usize)> {
    let (mut labels, mut at) = (Vec::new(), HEADER);
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join(".").to_ascii_lowercase(), at));
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).into_owned());
        at += length;
    }
}

fn write_name(name: &str, out: &mut Vec<u8>) {
    for label in name.split('.') {
        out.push(u8::try_from(label.len()).expect("a short label"));
        out.extend(label.as_bytes());
    }
    out.push(0);
}

/// The same answer without its records, and with the bit that says so.
fn truncated(answer: &[u8]) -> Vec<u8> {
    let end = read_name(answer).map_or(answer.len(), |(_, end)| end + 4);
    let mut answer = answer[..end].to_vec();
    answer[2] |= 0x02;
    answer[6..8].fill(0);
    answer
}

/// Octets before the question.
const HEADER: usize = 12;
