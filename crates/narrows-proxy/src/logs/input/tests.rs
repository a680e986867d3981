use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// The lines of a file with this content, and whether it could be read.
fn read_all(content: &[u8]) -> (Vec<String>, bool) {
    let mut found = Vec::new();
    let end = read(content, &mut |piece| {
        found.push(match piece {
            Piece::File(name) => name.to_owned(),
            Piece::Line(line) => String::from_utf8_lossy(line).into_owned(),
            Piece::Overlong => "overlong".to_owned(),
        });
    });
    (found, end.is_ok())
}

fn compressed(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn lines_come_with_and_without_an_end() {
    assert_eq!(read_all(b""), (vec![], true));
    assert_eq!(read_all(b"a"), (vec!["a".into()], true));
    assert_eq!(
        read_all(b"a\n\nb\r\n"),
        (vec!["a\n".into(), "\n".into(), "b\r\n".into()], true)
    );
}

#[test]
fn a_line_without_end_takes_no_more_room_than_others() {
    let long = vec![b'x'; 3 * 65_536];
    let (lines, _) = read_all(&[b"a\n", &*long, b"\nb\n"].concat());
    assert_eq!(lines, ["a\n", "overlong", "b\n"]);
}

#[test]
fn compressed_files_one_after_the_other_are_read_as_one() {
    let content = [compressed(b"a\nb\n"), compressed(b"c\n")].concat();
    assert_eq!(
        read_all(&content),
        (vec!["a\n".into(), "b\n".into(), "c\n".into()], true)
    );
}

#[test]
fn of_a_compressed_file_that_was_cut_what_is_there_is_read() {
    let lines: String = (0..50_000).map(|n| format!("line {n}\n")).collect();
    let content = compressed(lines.as_bytes());
    let (found, whole) = read_all(&content[..content.len() / 2]);
    assert!(!whole && found.len() > 1000, "{}", found.len());
    assert_eq!(found[999], "line 999\n");
}

#[test]
fn a_file_that_is_not_there_is_named_and_the_next_one_read() {
    let directory = tempfile::tempdir().unwrap();
    let there = directory.path().join("there.log");
    std::fs::write(&there, "a\n").unwrap();
    let mut lines = 0;
    let problems = each_line(&[directory.path().join("gone.log"), there], |piece| {
        lines += u32::from(matches!(piece, Piece::Line(_)));
    });
    assert_eq!((lines, problems.len()), (1, 1));
    assert!(problems[0].to_string().contains("gone.log"));
}
