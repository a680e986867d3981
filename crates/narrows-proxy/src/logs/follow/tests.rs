use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::path::Path;

use super::*;

fn append(path: &Path, lines: &str) {
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(lines.as_bytes()).unwrap();
}

fn open(id: u32, target: &str) -> String {
    format!(
        "time=2024-07-17T04:14:46.339Z level=INFO msg=\"P:1:C:{id} 127.0.0.1:4 --> {target}:443 on HTTP-1.1\"\n"
    )
}

fn done(id: u32, via: &str) -> String {
    format!(
        "time=2024-07-17T04:14:47.839Z level=INFO msg=\"P:1:C:{id} done via {via} bytes ->:100, <-:2000\"\n"
    )
}

fn request(id: u32, target: &str, via: &str) -> String {
    open(id, target) + &done(id, via)
}

fn refused(id: u32, target: &str) -> String {
    format!(
        "time=2024-07-17T04:14:46.339Z level=WARN msg=\"P:1:C:{id} 127.0.0.1:4 --> \\\"{target}\\\" refused 403 narrows/decide: denied\"\n"
    )
}

fn args(path: &Path) -> FollowArgs {
    FollowArgs {
        failed: false,
        files: vec![path.to_owned()],
        last: 10,
        name: Vec::new(),
        route: Vec::new(),
    }
}

/// What is shown when `steps` happen one after the other, each once everything before was read.
fn shown(args: &FollowArgs, steps: &mut [&mut dyn FnMut()]) -> String {
    let mut out = Vec::new();
    let mut steps = steps.iter_mut();
    follow(args, &mut out, false, || match steps.next() {
        Some(step) => {
            step();
            true
        }
        None => false,
    })
    .unwrap();
    String::from_utf8(out).unwrap()
}

/// The targets that are shown, in order.
fn targets(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| !line.starts_with("--"));
    lines
        .map(|line| line.split(" < ").nth(1).unwrap())
        .collect()
}

#[test]
fn a_request_is_one_line_when_it_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    append(&path, "");
    let text = shown(
        &args(&path),
        &mut [
            &mut || append(&path, &open(1, "a.example")),
            &mut || append(&path, &done(1, "gatewayh1")[..30]),
            &mut || append(&path, &done(1, "gatewayh1")[30..]),
            &mut || append(&path, &refused(2, "evil\\x1b[31m")),
            &mut || append(&path, "nonsense\n"),
        ],
    );
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "04:14:47.839 gateway     1.5 s    100 B >     2 kB < a.example:443",
            r"04:14:46.339 refused         -      0 B >      0 B < evil\x1b[31m narrows/decide: denied",
            "-- 2 requests to 2 names (gateway 1, refused 1), 1 failed, 2.1 kB; 0 still open, 1 lines damaged",
            "--   1 times 403 narrows/decide: denied",
        ],
        "{text}"
    );
}

#[test]
fn nothing_is_lost_or_read_twice_when_a_file_is_rotated() {
    let dir = tempfile::tempdir().unwrap();
    let (path, aside) = (dir.path().join("log"), dir.path().join("log.1"));
    append(&path, &request(1, "a.example", "proxy"));
    let text = shown(
        &args(&path),
        &mut [
            &mut || append(&path, &open(2, "b.example")),
            &mut || {
                std::fs::rename(&path, &aside).unwrap();
                append(&aside, &done(2, "proxy"));
            },
            &mut || append(&aside, &request(3, "c.example", "proxy")),
            &mut || {
                append(&aside, &request(4, "d.example", "proxy"));
                append(&path, &request(5, "e.example", "proxy"));
            },
            &mut || append(&path, &request(6, "f.example", "proxy")),
            &mut || std::fs::write(&path, request(7, "g.example", "proxy")).unwrap(),
            &mut || std::fs::remove_file(&path).unwrap(),
            &mut || append(&path, &request(8, "h.example", "proxy")),
        ],
    );
    let expected =
        ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| format!("{name}.example:443"));
    assert_eq!(targets(&text), expected, "{text}");
    assert!(
        text.contains("goes on in a new file") && text.contains("was cut short"),
        "{text}"
    );
}

#[test]
fn filters_leave_only_what_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = request(1, "a.example", "proxy")
        + &request(2, "b.example", "direct")
        + &refused(3, "b.example:443")
        + &request(4, "c.example", "gatewayh2");
    append(&path, &log);
    let with = |change: &dyn Fn(&mut FollowArgs)| {
        let mut args = args(&path);
        change(&mut args);
        let text = shown(&args, &mut []);
        targets(&text)
            .iter()
            .map(|target| target[..1].to_owned())
            .collect::<String>()
    };
    assert_eq!(with(&|_| {}), "abbc");
    assert_eq!(with(&|args| args.name = vec!["b.exa".into()]), "bb");
    assert_eq!(with(&|args| args.failed = true), "b");
    assert_eq!(
        with(&|args| args.route = vec![super::super::FollowRoute::Gateway]),
        "c"
    );
    assert_eq!(with(&|args| args.last = 1), "c");
}

#[test]
fn a_file_that_is_not_there_yet_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let text = shown(
        &args(&path),
        &mut [&mut || {}, &mut || {
            append(&path, &request(1, "a.example", "proxy"));
        }],
    );
    assert_eq!(text.matches("waiting for it").count(), 1, "{text}");
    assert_eq!(targets(&text), ["a.example:443"]);
}

#[test]
fn of_a_long_file_only_the_end_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut log = String::new();
    for id in 0..20_000 {
        write!(log, "{}", request(id, &format!("n{id}.example"), "proxy")).unwrap();
    }
    append(&path, &log);
    let text = shown(&args(&path), &mut []);
    let targets = targets(&text);
    assert_eq!(targets.len(), 10);
    assert_eq!(targets[9], "n19999.example:443");
    assert!(text.contains(" 0 lines damaged"), "{text}");
}
