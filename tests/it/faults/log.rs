//! The log has no room, or no place any more: tunnels go on, and what is missing is said.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use narrows_log::Event;
use narrows_tests::deadline;
use narrows_tests::program;
use narrows_tests::proxy::{Proxy, Setup, connect_head};
use narrows_tests::raw::Raw;
use tempfile::TempDir;

use super::{SPARE_MEMORY, echo, is_root, talk};

/// A file system of a few megabytes; it ends with the value.
struct SmallDisk(TempDir);

// === impl SmallDisk ===

impl SmallDisk {
    /// `None`, and loudly, where nothing may be mounted.
    fn mount() -> Option<Self> {
        if !is_root() {
            return None;
        }
        let disk = Self(TempDir::new().unwrap());
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "narrows-faults"]);
        let output = mount.arg(disk.path()).output().unwrap();
        if !output.status.success() {
            program::unable(&program::describe(&output));
            return None;
        }
        Some(disk)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room that there is.
    fn fill(&self) {
        let mut ballast = File::create(self.path().join("ballast")).unwrap();
        while ballast.write(&[0; 4096]).is_ok_and(|count| count > 0) {}
    }

    fn make_room(&self) {
        fs::remove_file(self.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the proxy may still be ending.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// A target without a port, whose refusal is a long line.
fn long_target() -> String {
    "a".repeat(480)
}

/// Asks for what is refused, from several clients at once; how often.
fn flood(proxy: &Proxy) -> u64 {
    const CLIENTS: u64 = 4;
    const EACH: u64 = 650;
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    assert_eq!(proxy.ask(connect_head(&long_target())).0.status(), 400);
                }
            });
        }
    });
    CLIENTS * EACH
}

#[test]
fn full_disk_costs_lines_that_are_counted_and_no_tunnel() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let target = echo();
    let wanted = target.address.to_string();
    let proxy = Setup::new().log(disk.path().join("log")).start();
    let mut open = proxy.tunnel(&wanted);
    deadline::until("the first lines are written", || {
        (proxy.records().len() == 2).then_some(())
    });
    disk.fill();
    let memory = proxy.vitals().memory();
    // More than a buffer of one megabyte holds.
    let asked = flood(&proxy);
    talk(&mut open);
    let mut another = proxy.tunnel(&wanted);
    talk(&mut another);
    close(another);
    let said = deadline::until("the fault is said", || {
        Some(proxy.said()).filter(|said| said.contains("cannot write the log"))
    });
    assert!(said.contains("No space left on device"), "{said}");
    assert!(proxy.vitals().memory() < memory + SPARE_MEMORY);

    disk.make_room();
    deadline::until("the log is written again", || {
        proxy.said().contains("is written again").then_some(())
    });
    close(open);
    // Start, two tunnels of two lines each, and the refusals: each is there or counted.
    let lines = 1 + 2 * 2 + asked;
    deadline::until("every line is there or counted", || {
        (told_of(&proxy) == lines).then_some(())
    });
    assert!(
        proxy.log().contains("msg=\"dropped "),
        "nothing was dropped"
    );
    assert_eq!(proxy.said().matches("cannot write the log").count(), 1);
    proxy.stop();
}

/// Lines in the log, and lines of which it says that they were dropped. Every line is whole.
fn told_of(proxy: &Proxy) -> u64 {
    let lines = proxy
        .records()
        .into_iter()
        .map(|record| match record.event {
            Event::Dropped { lines } => lines,
            _ => 1,
        });
    lines.sum()
}

fn close(mut client: Raw) {
    client.finish();
    client.end();
}

#[test]
fn log_directory_that_is_removed_and_made_again_costs_no_line() {
    let (home, target) = (TempDir::new().unwrap(), echo());
    let directory = home.path().join("logs");
    fs::create_dir(&directory).unwrap();
    let proxy = Setup::new().log(directory.join("log")).start();
    let mut client = proxy.tunnel(&target.address.to_string());
    deadline::until("the first lines are written", || {
        (proxy.records().len() == 2).then_some(())
    });
    fs::remove_dir_all(&directory).unwrap();
    talk(&mut client);
    close(client);
    proxy.ask(connect_head("no.port"));
    let said = deadline::until("the fault is said", || {
        Some(proxy.said()).filter(|said| said.contains("cannot write the log"))
    });
    assert!(said.contains("No such file or directory"), "{said}");

    fs::create_dir(&directory).unwrap();
    deadline::until("the lines are written", || {
        (proxy.records().len() == 2).then_some(())
    });
    let mut told = proxy.finished(2);
    // The tunnel's end may come to the log behind the refusal.
    told.sort_by_key(|told| told.refused.is_some());
    assert_eq!((told[0].done().sent, told[0].done().received), (4, 4));
    assert_eq!(told[1].refused().target, "no.port");
    let said = deadline::until("the end of the fault is said", || {
        Some(proxy.said()).filter(|said| said.contains("is written again"))
    });
    assert!(said.contains("dropped meanwhile: 0"), "{said}");
    proxy.stop();
}

#[test]
fn log_file_that_is_removed_is_made_again_for_the_next_line() {
    let (home, target) = (TempDir::new().unwrap(), echo());
    let file = home.path().join("log");
    let proxy = Setup::new().log(&file).start();
    let mut client = proxy.tunnel(&target.address.to_string());
    deadline::until("the first lines are written", || {
        (proxy.records().len() == 2).then_some(())
    });
    fs::remove_file(&file).unwrap();
    talk(&mut client);
    close(client);
    assert_eq!(proxy.only().done().received, 4);
    assert!(!proxy.said().contains("log"), "{}", proxy.said());
    proxy.stop();
}
