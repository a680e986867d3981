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
            "No & no.",
        ),
        ("<TITLE>Denied</TITLE><style>", "Denied"),
        ("<title>Den", "Den"),
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
#[cfg_attr(miri, ignore = "takes minutes there")]
fn long_pages_are_cut_between_characters() {
    let line = excerpt("é".repeat(8192).as_bytes());
    assert_eq!(line.chars().count(), MAX_CHARS + 1);
    assert!(line.ends_with('…'));
}

#[test]
fn squids_page_gives_its_reason() {
    let page = "<!DOCTYPE html><html><head>\n\
        <meta type=\"copyright\" content=\"Copyright (C) 1996-2022 The Squid Software Foundation\">\n\
        <title>ERROR: The requested URL could not be retrieved</title>\n\
        <style type=\"text/css\"><!--\n /* body > p { } */\n--></style>\n\
        </head><body id=ERR_ACCESS_DENIED>\n<div id=\"titles\">\n<h1>ERROR</h1>\n\
        <h2>The requested URL could not be retrieved</h2>\n</div>\n<hr>\n\
        <p>The following error was encountered while trying to retrieve the URL: \
        <a href=\"https://denied.example/*\">https://denied.example/*</a></p>\n\
        <blockquote id=\"error\">\n<p><b>Access Denied.</b></p>\n</blockquote>\n";
    assert_eq!(
        excerpt(page.as_bytes()),
        "ERROR The requested URL could not be retrieved The following error was encountered while \
         trying to retrieve the URL: https://denied.example/* Access Denied."
    );
}
