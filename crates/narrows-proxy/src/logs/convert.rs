//! `logs convert`: the lines of logs in another form.

use std::collections::BTreeMap;
use std::io::{self, Write};

use narrows_log::{Access, AccessFormat, ConnId, Entry, Format, Joined, Joiner, Record};

use super::ConvertArgs;
use super::input::{InputError, Piece, each_line};

/// What a person should know of a conversion.
#[derive(Debug)]
pub struct Converted {
    /// What was left out, and why; one line each.
    pub notes: Vec<String>,
    /// Files that could not be read to their end. What was read of them is converted.
    pub problems: Vec<InputError>,
}

/// Writes the lines of logs to `out` in another form. Blocks while it reads.
///
/// # Errors
///
/// The first of `out`.
pub fn convert(args: &ConvertArgs, out: impl Write) -> io::Result<Converted> {
    let mut converter = Converter {
        damage: None,
        damaged: 0,
        file: String::new(),
        joiner: Joiner::default(),
        left_out: BTreeMap::new(),
        line: 0,
        out: io::BufWriter::with_capacity(BUFFER, out),
        requests: 0,
        text: String::new(),
        to: args.to,
    };
    let mut result = Ok(());
    let problems = each_line(&args.files, |piece| {
        // Nobody reads on: the rest of the files is passed over.
        if result.is_ok() {
            result = converter.piece(piece);
        }
    });
    result?;
    converter.out.flush()?;
    let notes = converter.notes();
    Ok(Converted { notes, problems })
}

/// From lines of any form to lines of one.
struct Converter<W: Write> {
    /// Where the first damaged line stands, and what is wrong with it.
    damage: Option<String>,
    damaged: u64,
    file: String,
    joiner: Joiner,
    /// What the form has no place for, and in how many lines it was.
    left_out: BTreeMap<String, u64>,
    line: u64,
    out: W,
    requests: u64,
    text: String,
    to: Format,
}

impl<W: Write> Converter<W> {
    fn piece(&mut self, piece: Piece<'_>) -> io::Result<()> {
        self.line += 1;
        match piece {
            Piece::File(name) => {
                self.file = name.to_owned();
                self.line = 0;
            }
            Piece::Overlong => self.damaged("longer than any line of a log"),
            Piece::Line(line) => {
                let line = String::from_utf8_lossy(line);
                let line = line.trim_end_matches(['\n', '\r']);
                if line.is_empty() || line.starts_with('#') {
                    return Ok(());
                }
                match Entry::parse(line) {
                    Ok(Entry::Access(access)) => self.access(&access),
                    Ok(Entry::Record(record)) => self.record(&record),
                    Err(error) => self.damaged(&error.to_string()),
                }
            }
        }
        self.out.write_all(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }

    fn access(&mut self, access: &Access) {
        self.requests += 1;
        let Format::Access(form) = self.to else {
            let id = ConnId {
                listener: 1,
                connection: self.requests,
            };
            match access.to_records(id) {
                Ok(records) => records
                    .iter()
                    .for_each(|record| record.write_line(&mut self.text)),
                Err(error) => self.leave_out(&format!("requests: {error}")),
            }
            for lost in lost_in_arcproxy(access) {
                self.leave_out(lost);
            }
            return;
        };
        access.write_line(form, &mut self.text);
        if let Ok(read) = Access::parse(form, &self.text) {
            for lost in lost(access, &read, form) {
                self.leave_out(lost);
            }
        }
    }

    fn record(&mut self, record: &Record) {
        if self.to == Format::Arcproxy {
            return record.write_line(&mut self.text);
        }
        match self.joiner.add(record) {
            Joined::Whole(access) => self.access(&access),
            Joined::End(_) => self.leave_out("ends without their request"),
            Joined::Part => {}
            _ if record.write_line_as(self.to, &mut self.text) => {}
            _ => self.leave_out("lines that are no requests, such as a start"),
        }
    }

    fn leave_out(&mut self, what: &str) {
        match self.left_out.get_mut(what) {
            Some(count) => *count += 1,
            None => {
                self.left_out.insert(what.to_owned(), 1);
            }
        }
    }

    fn damaged(&mut self, error: &str) {
        self.damaged += 1;
        if self.damage.is_none() {
            let text = narrows_log::Text::new(format!("{}:{}: {error}", self.file, self.line));
            self.damage = Some(text.visible().to_string());
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(first) = &self.damage {
            let damaged = self.damaged;
            notes.push(format!(
                "{damaged} damaged lines are left out, the first is {first}"
            ));
        }
        for (what, count) in &self.left_out {
            notes.push(format!(
                "{} has no place for {what}: {count} lines",
                self.to
            ));
        }
        let open = self.joiner.open_requests();
        if open > 0 {
            notes.push(format!(
                "{open} requests have no end in the log and are left out"
            ));
        }
        notes
    }
}

/// What a form did not keep of a request, found by reading its line again.
fn lost(access: &Access, read: &Access, form: AccessFormat) -> Vec<&'static str> {
    let time = access.time.unix_ms() != read.time.unix_ms();
    let way = |access: &Access| access.via.map(narrows_log::Way::from);
    let fields = [
        ("the end of a request to the millisecond", time),
        ("the client's port", access.client != read.client),
        (
            "the duration",
            access.elapsed_ms.is_some() && access.elapsed_ms != read.elapsed_ms,
        ),
        (
            "the way that was decided and not taken",
            access.fallback != read.fallback,
        ),
        ("why a request failed", access.fault != read.fault),
        ("the number of the request", access.id != read.id),
        ("the identity", access.identity != read.identity),
        ("the address that was dialled", access.peer != read.peer),
        ("the rule", access.rule != read.rule),
        (
            "the octets from the client",
            access.sent.is_some() && access.sent != read.sent,
        ),
        ("the HTTP version", access.version != read.version),
        (
            "the way",
            form == AccessFormat::Clf && way(access).is_some(),
        ),
        (
            "the gateway's part in the way",
            form == AccessFormat::Squid && way(access) != way(read),
        ),
        (
            "the result's word",
            access.result.is_some() && access.result != read.result,
        ),
        ("the method", access.method != read.method),
        ("the target", access.target != read.target),
    ];
    let lost = fields.into_iter().filter(|(_, lost)| *lost);
    lost.map(|(name, _)| name).collect()
}

/// What arcproxy's lines have no place for.
fn lost_in_arcproxy(access: &Access) -> Vec<&'static str> {
    let fields = [
        ("the identity", access.identity.is_some()),
        ("the address that was dialled", access.peer.is_some()),
        ("the rule", access.rule.is_some()),
        (
            "the result's word",
            access.via.is_some() && access.result.is_some(),
        ),
        ("the method", !matches!(&*access.method, "" | "CONNECT")),
        (
            "a status other than 200",
            access.via.is_some() && access.status != 200,
        ),
    ];
    let lost = fields.into_iter().filter(|(_, lost)| *lost);
    lost.map(|(name, _)| name).collect()
}

/// Octets written at a time.
const BUFFER: usize = 64 << 10;

#[cfg(test)]
mod tests;
