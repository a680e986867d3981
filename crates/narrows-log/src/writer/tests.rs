use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use super::*;
use crate::event::Event;
use crate::timestamp::Timestamp;

/// Longer than any test takes: a wait for this long has failed.
const LONG: Duration = Duration::from_secs(30);

/// What a scripted sink does at each call.
enum Act {
    Take(usize),
    Fail,
    Panic,
}

/// A sink that does as told, one act per call, and tells what it took. It takes everything once the
/// script's sender is gone.
struct Scripted {
    acts: Receiver<Act>,
    /// One for each reopening that fails.
    reopenings: Receiver<()>,
    taken: Arc<Mutex<String>>,
    calls: Sender<()>,
}

impl Sink for Scripted {
    fn write_some(&mut self, lines: &[u8]) -> io::Result<usize> {
        let _ = self.calls.send(());
        let taken = match self.acts.recv() {
            Ok(Act::Take(most)) => most.min(lines.len()),
            Ok(Act::Fail) => return Err(io::ErrorKind::StorageFull.into()),
            Ok(Act::Panic) => panic!("as the test wants"),
            Err(_) => lines.len(),
        };
        let text = std::str::from_utf8(&lines[..taken]).unwrap();
        self.taken.lock().unwrap().push_str(text);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn reopen(&mut self) -> io::Result<()> {
        if self.reopenings.try_recv().is_ok() {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.taken.lock().unwrap().push_str("[reopened]");
        Ok(())
    }
}

struct Script {
    /// `None` once the sink takes everything.
    acts: Option<Sender<Act>>,
    reopenings: Sender<()>,
    calls: Receiver<()>,
    news: Receiver<String>,
    taken: Arc<Mutex<String>>,
}

fn scripted(options: Options) -> (Writer, Script) {
    let ((acts, script), (calls, called)) = (channel(), channel());
    let ((reopenings, failing), (tell, news)) = (channel(), channel());
    let taken = Arc::new(Mutex::default());
    let sink = Scripted {
        acts: script,
        reopenings: failing,
        taken: Arc::clone(&taken),
        calls,
    };
    let watch = move |health: Health<'_>| {
        let _ = tell.send(format!("{health:?}"));
    };
    let writer = Writer::spawn_watched(sink, options, watch).unwrap();
    let script = Script {
        acts: Some(acts),
        reopenings,
        calls: called,
        news,
        taken,
    };
    (writer, script)
}

impl Script {
    /// Tells the sink what to do at its next call.
    fn tell(&self, act: Act) {
        self.acts.as_ref().unwrap().send(act).unwrap();
    }

    /// Lets the sink take everything from now on.
    fn free(&mut self) {
        self.acts = None;
    }

    /// Waits until the sink is called.
    fn wait_for_call(&self) {
        self.calls.recv_timeout(LONG).unwrap();
    }

    /// What the watcher was told next.
    fn news(&self) -> String {
        self.news.recv_timeout(LONG).unwrap()
    }

    fn taken(&self) -> String {
        self.taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn messages(&self) -> Vec<String> {
        let taken = self.taken();
        let message = |line: &str| line.split_once("msg=").unwrap().1.to_owned();
        taken.lines().map(message).collect()
    }
}

fn note(text: &str) -> Record {
    Record::new(Timestamp::new(0, 0), Event::Note(text.into()))
}

/// Quick to gather, quick to retry, and `lines` notes of one letter fit.
fn room_for(lines: usize) -> Options {
    Options {
        capacity: lines * (note("x").to_string().len() + 1),
        linger: Duration::ZERO,
        retry: Duration::from_millis(1),
        ..Options::default()
    }
}

#[test]
fn lines_arrive_in_order() {
    let lines = if cfg!(miri) { 4 } else { 100 };
    let (writer, mut script) = scripted(Options::default());
    script.free();
    let log = writer.handle();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let log = log.clone();
            std::thread::spawn(move || {
                for line in 0..lines {
                    assert!(log.record(&note(&format!("{thread}-{line}"))));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let counts = writer.shutdown(LONG).unwrap();
    assert_eq!(
        (counts.written, counts.dropped, counts.write_errors),
        (4 * u64::from(lines), 0, 0)
    );
    let taken = script.taken();
    for thread in 0..4 {
        let prefix = format!("msg={thread}-");
        let numbers: Vec<u32> = taken
            .lines()
            .filter_map(|line| line.split_once(&prefix)?.1.parse().ok())
            .collect();
        assert_eq!(numbers, (0..lines).collect::<Vec<u32>>());
    }
}

#[test]
fn company_within_the_linger_shares_a_write() {
    let options = Options {
        linger: LONG,
        ..room_for(100)
    };
    let (writer, mut script) = scripted(options);
    script.free();
    let log = writer.handle();
    for _ in 0..10 {
        assert!(log.record(&note("x")));
    }
    log.flush(LONG).unwrap();
    assert_eq!(script.calls.try_iter().count(), 1);
    // A quarter of the room does not wait any longer.
    for _ in 0..25 {
        assert!(log.record(&note("x")));
    }
    script.wait_for_call();
}

#[test]
fn full_buffer_drops_counts_and_tells() {
    let (writer, mut script) = scripted(room_for(3));
    let log = writer.handle();
    assert!(log.record(&note("1")));
    script.wait_for_call();
    // The sink holds the first line; three more fit, two do not.
    for (text, fits) in [
        ("2", true),
        ("3", true),
        ("4", true),
        ("5", false),
        ("6", false),
    ] {
        assert_eq!(log.record(&note(text)), fits, "{text}");
    }
    assert_eq!(
        log.counts(),
        Counts {
            dropped: 2,
            ..Counts::default()
        }
    );
    script.tell(Act::Take(usize::MAX));
    script.wait_for_call();
    assert!(log.record(&note("7")));
    script.free();
    assert_eq!(
        writer.shutdown(LONG),
        Ok(Counts {
            written: 6,
            dropped: 2,
            write_errors: 0
        })
    );
    assert_eq!(
        script.messages(),
        ["1", "2", "3", "4", "\"dropped 2 lines\"", "7"]
    );
    assert!(!log.record(&note("8")), "after the end");
    assert_eq!(log.counts().dropped, 3);
}

#[test]
fn drops_before_the_end_are_told_at_the_end() {
    let (writer, mut script) = scripted(room_for(1));
    let log = writer.handle();
    assert!(log.record(&note("1")));
    script.wait_for_call();
    assert!(log.record(&note("2")));
    assert!(!log.record(&note("3")));
    script.free();
    assert_eq!(writer.shutdown(LONG).unwrap().written, 3);
    assert_eq!(script.messages(), ["1", "2", "\"dropped 1 line\""]);
}

#[test]
fn failing_sink_is_tried_again_from_where_it_was() {
    let (writer, script) = scripted(room_for(10));
    let log = writer.handle();
    for act in [Act::Take(7), Act::Fail, Act::Take(0), Act::Take(usize::MAX)] {
        script.tell(act);
    }
    assert!(log.record(&note("1")));
    log.flush(LONG).unwrap();
    assert_eq!(
        log.counts(),
        Counts {
            written: 1,
            dropped: 0,
            write_errors: 2
        }
    );
    assert_eq!(script.taken(), format!("{}\n", note("1")));
}

#[test]
fn reopening_happens_between_lines() {
    let (writer, script) = scripted(Options {
        retry: LONG,
        ..room_for(10)
    });
    let log = writer.handle();
    let line = format!("{}\n", note("1"));
    // The disk fills in the middle of the line; the new file gets the whole of it.
    script.tell(Act::Take(7));
    script.tell(Act::Fail);
    assert!(log.record(&note("1")));
    script.wait_for_call();
    script.wait_for_call();
    log.reopen();
    script.tell(Act::Take(usize::MAX));
    log.flush(LONG).unwrap();
    assert_eq!(script.taken(), format!("{}[reopened]{line}", &line[..7]));
}

#[test]
fn a_sink_that_fails_is_told_of_once_and_so_is_its_recovery() {
    let (writer, mut script) = scripted(room_for(2));
    let log = writer.handle();
    assert!(log.record(&note("1")));
    script.wait_for_call();
    assert!(log.record(&note("2")));
    script.tell(Act::Fail);
    script.tell(Act::Fail);
    script.wait_for_call();
    assert_eq!(
        script.news(),
        "Failing { step: Write, error: Kind(StorageFull), waiting: 2, dropped: 0 }"
    );
    script.wait_for_call();
    assert!(log.record(&note("3")));
    assert!(!log.record(&note("4")), "no room");
    script.free();
    log.flush(LONG).unwrap();
    assert_eq!(script.news(), "Recovered { step: Write, dropped: 1 }");
    writer.shutdown(LONG).unwrap();
    assert_eq!(script.news.try_recv().ok(), None);
}

#[test]
fn a_reopening_that_failed_is_tried_before_each_batch() {
    let (writer, mut script) = scripted(room_for(10));
    script.free();
    let log = writer.handle();
    script.reopenings.send(()).unwrap();
    script.reopenings.send(()).unwrap();
    log.reopen();
    assert_eq!(
        script.news(),
        "Failing { step: Reopen, error: Kind(NotFound), waiting: 0, dropped: 0 }"
    );
    for text in ["1", "2", "3"] {
        assert!(log.record(&note(text)));
        log.flush(LONG).unwrap();
    }
    let line = |text| format!("{}\n", note(text));
    assert_eq!(
        script.taken(),
        format!("{}[reopened]{}{}", line("1"), line("2"), line("3"))
    );
    assert_eq!(script.news(), "Recovered { step: Reopen, dropped: 0 }");
    assert_eq!(writer.shutdown(LONG).unwrap().write_errors, 2);
    assert_eq!(script.news.try_recv().ok(), None);
}

#[test]
fn a_reopening_that_fails_leaves_the_line_as_it_is() {
    let (writer, mut script) = scripted(Options {
        retry: LONG,
        ..room_for(10)
    });
    let log = writer.handle();
    script.tell(Act::Take(7));
    script.tell(Act::Fail);
    assert!(log.record(&note("1")));
    script.wait_for_call();
    script.wait_for_call();
    script.reopenings.send(()).unwrap();
    log.reopen();
    script.free();
    log.flush(LONG).unwrap();
    // The rest of the line goes to the file that has its beginning.
    assert_eq!(script.taken(), format!("{}\n", note("1")));
}

#[test]
fn the_end_gives_up_on_a_sink_that_fails() {
    let (writer, script) = scripted(Options {
        retry: LONG,
        ..room_for(10)
    });
    let log = writer.handle();
    assert!(log.record(&note("1")));
    script.tell(Act::Fail);
    script.tell(Act::Fail);
    let lines = NonZeroU64::MIN;
    assert_eq!(writer.shutdown(LONG), Err(Unwritten { lines }));
    assert_eq!(
        log.counts(),
        Counts {
            written: 0,
            dropped: 1,
            write_errors: 2
        }
    );
}

#[test]
fn waiting_is_bounded() {
    let (writer, script) = scripted(room_for(10));
    let log = writer.handle();
    assert!(log.record(&note("1")));
    script.wait_for_call();
    let lines = NonZeroU64::MIN;
    assert_eq!(
        log.flush(Duration::from_millis(1)),
        Err(Unwritten { lines })
    );
    assert_eq!(
        writer.shutdown(Duration::from_millis(1)),
        Err(Unwritten { lines })
    );
}

#[test]
fn panicking_sink_costs_lines_and_nothing_else() {
    let (writer, script) = scripted(room_for(10));
    let log = writer.handle();
    assert!(log.record(&note("1")));
    script.tell(Act::Panic);
    let lines = NonZeroU64::MIN;
    assert_eq!(log.flush(LONG), Err(Unwritten { lines }));
    assert!(!log.record(&note("2")));
    assert_eq!(log.counts().dropped, 2);
}

#[test]
fn dropping_the_writer_ends_the_thread() {
    let (writer, mut script) = scripted(room_for(10));
    let log = writer.handle();
    assert!(log.record(&note("1")));
    script.free();
    drop(writer);
    log.flush(LONG).unwrap();
    // The sink goes when the thread ends, and its sender with it.
    while script.calls.recv_timeout(LONG).is_ok() {}
    assert!(!log.record(&note("2")));
}
