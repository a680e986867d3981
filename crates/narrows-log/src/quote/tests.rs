use super::*;

fn value(text: &str) -> String {
    let mut out = String::new();
    push_value(&mut out, text);
    out
}

/// By the rules of `log/slog`'s TextHandler and `strconv.Quote`.
#[test]
fn as_go_does_it() {
    for (text, expected) in [
        ("", "\"\""),
        ("plain", "plain"),
        (r"back\slash", r"back\slash"),
        (r"back \slash", r#""back \\slash""#),
        ("del\x7f", "del\x7f"),
        ("del \x7f", r#""del \x7f""#),
        ("a=b", "\"a=b\""),
        ("q\"", r#""q\"""#),
        (
            "\x07\x08\t\n\x0b\x0c\r\x00\x1b",
            r#""\a\b\t\n\v\f\r\x00\x1b""#,
        ),
        ("é", "é"),
        ("é\u{301}", "é\u{301}"),
        ("\u{301}", "\u{301}"),
        ("日本", "日本"),
        ("😀", "😀"),
        ("\u{85}", r#""\u0085""#),
        ("\u{a0}", r#""\u00a0""#),
        ("\u{ad}", r#""\u00ad""#),
        ("\u{200b}", r#""\u200b""#),
        ("\u{2028}", r#""\u2028""#),
        ("\u{3000}", r#""\u3000""#),
        ("\u{e000}", r#""\ue000""#),
        ("\u{feff}", r#""\ufeff""#),
        ("\u{fffd}", "\"\u{fffd}\""),
        ("\u{10ffff}", r#""\U0010ffff""#),
    ] {
        assert_eq!(value(text), expected, "{text:?}");
    }
}

#[test]
fn escapes_that_go_reads() {
    for (quoted, text) in [
        (r#""\x41\101\u0041\U00000041""#, "AAAA"),
        (r#""\xc3\xa9""#, "é"),
        (r#""\xff""#, "\u{fffd}"),
        (r#""\"\\""#, "\"\\"),
    ] {
        assert_eq!(
            unquote_prefix(quoted),
            Ok((text.to_owned(), "")),
            "{quoted}"
        );
    }
    assert_eq!(unquote_prefix("\"a\" b"), Ok(("a".to_owned(), " b")));
    for damaged in [
        "",
        "a",
        "\"",
        "\"a",
        "\"\\",
        "\"\\\"",
        r#""\q""#,
        r#""\'""#,
        r#""\x4""#,
        r#""\x+4""#,
        r#""\400""#,
        r#""\8""#,
        r#""\ud800""#,
        r#""\U00110000""#,
        r#""\u00é""#,
        "\"\n\"",
    ] {
        assert_eq!(unquote_prefix(damaged), Err(Damaged), "{damaged:?}");
    }
}

#[test]
fn numbers_have_no_sign() {
    let mut out = String::new();
    for number in [0, 9, 10, u64::MAX] {
        decimal(&mut out, number);
        out.push(' ');
    }
    assert_eq!(out, "0 9 10 18446744073709551615 ");
    assert_eq!(number("18446744073709551615"), Some(u64::MAX));
    for text in ["", "+1", "-1", " 1", "0x1", "18446744073709551616"] {
        assert_eq!(number(text), None, "{text:?}");
    }
}
