use std::sync::Mutex;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::*;

/// A clock that stands until it is moved.
#[derive(Clone)]
struct Hand(Arc<Mutex<SystemTime>>);

impl Hand {
    /// 2026-07-03T04:14:46Z
    fn new() -> Self {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_783_052_086);
        Self(Arc::new(Mutex::new(start)))
    }

    fn forward(&self, seconds: u64) {
        *self.0.lock().unwrap() += Duration::from_secs(seconds);
    }

    fn clock(&self) -> impl Fn() -> SystemTime + Send + 'static {
        let hand = self.clone();
        move || *hand.0.lock().unwrap()
    }
}

const LINES: Rotation = Rotation {
    octets: Some(12),
    age: None,
    keep: 100,
    compress: false,
};

/// Writes lines as a writer does: rotates between two lines, and offers again what was not taken.
fn write(log: &mut LogFile, lines: &str) -> io::Result<()> {
    let lines = lines.as_bytes();
    let mut done = 0;
    while done < lines.len() {
        if done == 0 || lines[done - 1] == b'\n' {
            log.rotate()?;
        }
        done += log.write_some(&lines[done..])?;
    }
    Ok(())
}

/// The files of a directory with what they hold, in the order of their names.
fn files(dir: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let text = if name.ends_with(".gz") {
            let mut text = String::new();
            let mut decoder = flate2::read::GzDecoder::new(&*bytes);
            io::Read::read_to_string(&mut decoder, &mut text).unwrap();
            text
        } else {
            String::from_utf8(bytes).unwrap()
        };
        (name, text)
    });
    let mut files: Vec<_> = entries.collect();
    files.sort();
    files
}

fn names(dir: &Path) -> Vec<String> {
    let name = |entry: io::Result<std::fs::DirEntry>| {
        let name = entry.unwrap().file_name();
        name.to_string_lossy().into_owned()
    };
    let mut names: Vec<_> = std::fs::read_dir(dir).unwrap().map(name).collect();
    names.sort();
    names
}

#[test]
fn goes_on_in_a_new_file_after_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let (path, rotated) = (dir.path().join("log"), dir.path().join("log.1"));
    let mut log = LogFile::open(path.clone()).unwrap();
    log.write_some(b"one\n").unwrap();
    std::fs::rename(&path, &rotated).unwrap();
    log.write_some(b"two\n").unwrap();
    log.reopen().unwrap();
    log.write_some(b"three\n").unwrap();
    assert_eq!(std::fs::read_to_string(&rotated).unwrap(), "one\ntwo\n");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
}

#[test]
fn keeps_the_old_file_if_there_is_no_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("old");
    std::fs::create_dir(&old).unwrap();
    let mut log = LogFile::open(old.join("log")).unwrap();
    std::fs::rename(&old, dir.path().join("new")).unwrap();
    assert!(log.reopen().is_err());
    log.write_some(b"one\n").unwrap();
    assert_eq!(
        std::fs::read_to_string(dir.path().join("new/log")).unwrap(),
        "one\n"
    );
}

#[test]
fn a_file_that_was_removed_is_made_again_once_it_can_be() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, path) = (dir.path().join("logs"), dir.path().join("logs/log"));
    std::fs::create_dir(&logs).unwrap();
    let mut log = LogFile::open(path.clone()).unwrap();
    write(&mut log, "one\n").unwrap();
    std::fs::remove_file(&path).unwrap();
    write(&mut log, "two\n").unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");

    std::fs::remove_dir_all(&logs).unwrap();
    let error = write(&mut log, "three\n").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    std::fs::create_dir(&logs).unwrap();
    write(&mut log, "three\n").unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
}

#[test]
fn a_file_that_is_large_enough_is_put_aside_with_whole_lines() {
    let dir = tempfile::tempdir().unwrap();
    let hand = Hand::new();
    let log = LogFile::open(dir.path().join("log")).unwrap();
    let mut log = log.rotated(LINES, hand.clock());
    let lines: String = (0..10).map(|line| format!("line{line}\n")).collect();
    write(&mut log, &lines).unwrap();
    hand.forward(1);
    write(&mut log, "a line that is longer than a file\nshort\n").unwrap();
    let files = files(dir.path());
    let all: String = files[1..]
        .iter()
        .chain(&files[..1])
        .map(|(_, text)| &**text)
        .collect();
    assert_eq!(
        all,
        format!("{lines}a line that is longer than a file\nshort\n")
    );
    let names: Vec<_> = files
        .iter()
        .map(|(name, text)| (&**name, &**text))
        .collect();
    assert_eq!(
        names,
        [
            ("log", "short\n"),
            ("log.20260703T041446Z", "line0\nline1\n"),
            ("log.20260703T041446Z.1", "line2\nline3\n"),
            ("log.20260703T041446Z.2", "line4\nline5\n"),
            ("log.20260703T041446Z.3", "line6\nline7\n"),
            ("log.20260703T041447Z", "line8\nline9\n"),
            (
                "log.20260703T041447Z.1",
                "a line that is longer than a file\n"
            ),
        ]
    );
}

#[test]
fn a_file_that_is_old_enough_is_put_aside_with_the_next_line() {
    let dir = tempfile::tempdir().unwrap();
    let hand = Hand::new();
    let rotation = Rotation {
        octets: None,
        age: Some(Duration::from_secs(3600)),
        ..LINES
    };
    let log = LogFile::open(dir.path().join("log")).unwrap();
    let mut log = log.rotated(rotation, hand.clock());
    hand.forward(9000);
    write(&mut log, "an empty file has no age\n").unwrap();
    hand.forward(3599);
    write(&mut log, "young\n").unwrap();
    assert_eq!(names(dir.path()), ["log"]);
    hand.forward(1);
    write(&mut log, "next\n").unwrap();
    assert_eq!(names(dir.path()), ["log", "log.20260703T074446Z"]);
    assert_eq!(files(dir.path())[0].1, "next\n");
}

#[test]
fn so_many_are_kept_and_compressed_and_nothing_else_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    for other in ["log.1", "log.old", "other.20260101T000000Z", "log.2026"] {
        std::fs::write(dir.path().join(other), "not ours\n").unwrap();
    }
    std::fs::write(dir.path().join("log.20250101T000000Z.gz.part"), "cut").unwrap();
    let hand = Hand::new();
    let rotation = Rotation {
        keep: 2,
        compress: true,
        ..LINES
    };
    let log = LogFile::open(dir.path().join("log")).unwrap();
    let mut log = log.rotated(rotation, hand.clock());
    for line in 0..5 {
        write(&mut log, &format!("a long line {line}\n")).unwrap();
        hand.forward(1);
    }
    let expected = [
        "log",
        "log.1",
        "log.2026",
        "log.20260703T041449Z.gz",
        "log.20260703T041450Z.gz",
        "log.old",
        "other.20260101T000000Z",
    ];
    // Tidying up is another thread's; it ends when there is nothing left to do.
    wait_until(|| {
        let found = names(dir.path());
        let found = found.iter().filter(|name| !name.ends_with(".part"));
        found.eq(expected.iter())
    });
    std::fs::remove_file(dir.path().join("log.20250101T000000Z.gz.part")).unwrap();
    assert_eq!(files(dir.path())[3].1, "a long line 2\n");
}

/// Names of hosts are nobody else's business, compressed or not.
#[cfg(unix)]
#[test]
fn who_may_read_a_log_stays_when_it_is_put_aside() {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let hand = Hand::new();
    let rotation = Rotation {
        compress: true,
        ..LINES
    };
    let log = LogFile::open(path.clone()).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let mut log = log.rotated(rotation, hand.clock());
    write(&mut log, "a long line, and another\n").unwrap();
    write(&mut log, "a short one\n").unwrap();
    wait_until(|| matches!(&*names(dir.path()), [_, put_aside] if put_aside.ends_with(".gz")));
    for name in names(dir.path()) {
        let data = std::fs::metadata(dir.path().join(&name)).unwrap();
        assert_eq!(data.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

/// Asks again and again, for as long as no test takes.
fn wait_until(mut done: impl FnMut() -> bool) {
    let (_alive, never) = mpsc::channel::<()>();
    for _ in 0..3000 {
        if done() {
            return;
        }
        let _ = never.recv_timeout(Duration::from_millis(10));
    }
    panic!("not within half a minute");
}

#[test]
fn a_rotation_that_fails_costs_no_line_and_is_tried_again_later() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, away) = (dir.path().join("logs"), dir.path().join("away"));
    std::fs::create_dir(&logs).unwrap();
    let hand = Hand::new();
    let log = LogFile::open(logs.join("log")).unwrap();
    let mut log = log.rotated(LINES, hand.clock());
    write(&mut log, "a long line 0\n").unwrap();
    // Renamed, not removed: the file is still somebody's, but not where it was.
    std::fs::rename(&logs, &away).unwrap();
    assert!(write(&mut log, "a long line 1\n").is_err());
    write(&mut log, "a long line 1\na long line 2\n").unwrap();
    std::fs::rename(&away, &logs).unwrap();
    hand.forward(59);
    write(&mut log, "a long line 3\n").unwrap();
    assert_eq!(names(&logs), ["log"]);
    hand.forward(1);
    write(&mut log, "a long line 4\n").unwrap();
    let files = files(&logs);
    assert_eq!(files[0].1, "a long line 4\n");
    assert_eq!(files[1].1.lines().count(), 4);
}

#[test]
fn somebody_else_may_rotate_too() {
    let dir = tempfile::tempdir().unwrap();
    let (path, hand) = (dir.path().join("log"), Hand::new());
    let log = LogFile::open(path.clone()).unwrap();
    let mut log = log.rotated(LINES, hand.clock());
    write(&mut log, "one\n").unwrap();
    std::fs::rename(&path, dir.path().join("log.1")).unwrap();
    write(&mut log, "two\n").unwrap();
    log.reopen().unwrap();
    write(&mut log, "three\n").unwrap();
    let files = files(dir.path());
    assert_eq!(files[0].1, "three\n");
    assert_eq!(files[1].1, "one\ntwo\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_nothing_is_taken() {
    let mut log = LogFile::open("/dev/full".into()).unwrap();
    let error = write(&mut log, "one\n").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}
