use proptest::prelude::*;

use super::*;

fn via(text: &str) -> Via {
    Via::read([text.as_bytes()])
}

#[test]
fn names_are_found_as_names_only() {
    for (text, name, want) in [
        ("1.1 a", "a", true),
        ("1.1 A (comment)", "a", true),
        ("1.0 b, 1.1 a", "a", true),
        ("HTTP/1.1 a:3128", "a:3128", true),
        ("1.1 a:3128", "a", false),
        ("1.1 ab", "a", false),
        ("a", "a", false),
        ("1.1 b (1.1 a)", "a", false),
        ("", "a", false),
    ] {
        assert_eq!(via(text).names(name), want, "{text:?}");
    }
}

#[test]
fn lines_are_one_list() {
    let lines = [
        &b"1.1 a"[..],
        b"",
        b" ,2 b,",
        b"1.1 \xff",
        b"1.1\tc",
        b"1.1 d\r\nX: y",
    ];
    assert_eq!(Via::read(lines).as_str(), "1.1 a, 2 b, 1.1 c");
}

#[test]
fn the_oldest_are_forgotten() {
    let mut all = Via::default();
    for n in 0..1000 {
        all = all.then(Version::Http2, &format!("proxy-{n}"));
    }
    assert!(all.as_str().len() <= MAX_VIA && all.names("proxy-999") && !all.names("proxy-0"));
    assert!(all.as_str().starts_with("2 proxy-"));
    assert!(via(&"x".repeat(MAX_VIA + 1)).is_empty());
    let rest = "y".repeat(MAX_VIA - 5);
    assert_eq!(via(&format!("1.1 x, ,, {rest}")).as_str(), rest);
}

proptest! {
    #[test]
    fn whatever_comes_makes_one_short_line(lines: Vec<Vec<u8>>, name in "[a-z0-9-]{1,20}") {
        let read = Via::read(lines.iter().map(Vec::as_slice));
        let then = read.then(Version::Http11, &name);
        prop_assert!(then.names(&name));
        for via in [&read, &then] {
            prop_assert!(via.as_str().len() <= MAX_VIA);
            prop_assert!(via.as_str().bytes().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert_eq!(&Via::read([via.as_str().as_bytes()]), via);
        }
    }
}
