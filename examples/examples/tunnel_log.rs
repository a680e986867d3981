//! Write a tunnel log, read it back, and say which names went by which route, with how many bytes.
//!
//! The log goes into a pipe here; any `Write` will do, and a type of your own that implements
//! `narrows_log::Sink` can follow log rotation.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::collections::HashMap;
use std::error::Error;
use std::io::{PipeReader, Read, pipe};
use std::net::SocketAddr;
use std::time::Duration;

use narrows_log::{ConnId, Event, HttpVersion, Options, Record, Timestamp, Via, Writer};

fn main() -> Result<(), Box<dyn Error>> {
    let (reader, file) = pipe()?;
    let writer = Writer::spawn(file, Options::default())?;
    let log = writer.handle();
    for (seconds, event) in (0..).zip(events()?) {
        let time = Timestamp::new(1_721_214_886_339 + 1000 * seconds, -7 * 3600);
        log.record(&Record::new(time, event));
    }
    println!("{:?}", writer.shutdown(Duration::from_secs(1))?);
    report(reader)
}

/// Two tunnels and a note whose hostile words stay on one line and come back as they were.
fn events() -> Result<[Event; 5], Box<dyn Error>> {
    let client: SocketAddr = "127.0.0.1:49802".parse()?;
    let id = |connection| ConnId {
        listener: 1,
        connection,
    };
    let open = |connection, target: &str| -> Result<Event, Box<dyn Error>> {
        Ok(Event::Open {
            client: client.into(),
            id: id(connection),
            target: target.parse()?,
            version: HttpVersion::Http11,
        })
    };
    let done = |connection, via, sent, received| Event::Done {
        id: id(connection),
        sent,
        received,
        via,
    };
    Ok([
        open(1, "gbl.his.arc.azure.com:443")?,
        open(2, "management.azure.com:443")?,
        done(1, Via::Proxy, 542, 5805),
        Event::Note("a \"quoted\"\nsecond line".into()),
        done(2, Via::Direct, 854, 6992),
    ])
}

fn report(mut file: PipeReader) -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    print!("{text}");
    let mut open = HashMap::new();
    for line in text.lines() {
        match line.parse::<Record>()?.event {
            Event::Open { id, target, .. } => drop(open.insert(id, target)),
            Event::Done { id, sent, via, .. } => {
                let target = open.remove(&id).ok_or("a line before is missing")?;
                println!("{target} went by {via} and sent {sent} bytes");
            }
            other => println!("{other:?}"),
        }
    }
    Ok(())
}
