use super::*;

#[test]
fn pages_become_one_line() {
    for (body, expected) in [
        ("", ""),
        (
            "Access denied by policy 17\r\n",
            "Access denied by policy 17",
        ),
        (
            "<html><head><title>Denied</title><style>p { a: b }</style></head>\n<body><p>No &amp; no.</p></body></html>",
            "Denied No & no.",
        ),
        ("a<script>if (1 < 2) { alert() }</SCRIPT>b", "a b"),
        ("a<!-- <b> -->c", "a c"),
        ("1 < 2 & 3 > 2", "1 < 2 & 3 > 2"),
        ("cut <img src=", "cut"),
        ("cut <style> p {", "cut"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("a\u{1b}[31mred\u{202e}x\0y", "a [31mredx y"),
        ("<é>", "<é>"),
        ("  spaced\t\n out  ", "spaced out"),
    ] {
        assert_eq!(excerpt(body.as_bytes()), expected, "{body:?}");
    }
    assert_eq!(excerpt(b"\xff\xfebinary\x00\x01"), "binary");
}

#[test]
fn long_pages_are_cut_between_characters() {
    let line = excerpt("é".repeat(MAX_BODY).as_bytes());
    assert_eq!(line.chars().count(), MAX_CHARS + 1);
    assert!(line.ends_with('…'));
}
