use super::*;

#[track_caller]
fn check(text: &str, expected: Result<Option<(u16, &str)>, &str>) {
    let parsed = parse(text.as_bytes());
    let parsed = parsed.as_ref().map(|answer| {
        let answer = answer.as_ref()?;
        Some((answer.status, answer.excerpt.as_str()))
    });
    assert_eq!(parsed.map_err(String::as_str), expected, "{text:?}");
}

#[test]
fn answers_are_read_as_far_as_they_have_come() {
    check("", Ok(None));
    check("HTTP/1.1 470 st", Ok(None));
    check(
        "HTTP/1.1 470\r\n\r\nAction: Deny",
        Ok(Some((470, "Action: Deny"))),
    );
    check(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\n\r\n",
        Ok(Some((404, ""))),
    );
    check(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello",
        Ok(Some((200, "hello"))),
    );
    check(
        "SSH-2.0-OpenSSH\r\n",
        Err("it begins with \"SSH-2.0-OpenSSH\\r\\n\""),
    );
}

#[test]
fn header_names_are_in_lower_case_and_values_on_one_line() {
    let answer = parse(b"HTTP/1.1 302 Found\r\nLocation:  /a\tb \r\n\r\n")
        .unwrap()
        .unwrap();
    assert_eq!(answer.header("location"), Some("/a b"));
    assert_eq!(answer.header("server"), None);
}

#[tokio::test(start_paused = true)]
async fn silence_is_told_from_the_end() {
    let target: Target = "a.example:443".parse().unwrap();
    let (mut near, far) = tokio::io::duplex(1024);
    let silent = ask(&mut near, &target, "test", Duration::from_secs(1)).await;
    assert_eq!(silent.ending, Some(Ending::Silent));
    drop(far);
    let closed = ask(&mut near, &target, "test", Duration::from_secs(1)).await;
    assert_ne!(closed.ending, Some(Ending::Silent));
    assert!(closed.answer.is_none());
}

#[test]
fn an_answer_is_whole_when_its_length_or_last_chunk_has_come() {
    for (text, whole) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true),
        ("HTTP/1.1 204 No Content\r\n\r\n", true),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            true,
        ),
        ("HTTP/1.0 200 OK\r\n\r\nwho knows", false),
    ] {
        assert_eq!(is_whole(text.as_bytes()), whole, "{text:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_octets_are_read_or_refused(
        head in "(HTTP/1\\.[01] [0-9]{3}[ -~]{0,8}\r\n)?([A-Za-z-]{1,9}: ?[ -~]{0,9}\r\n){0,3}(\r\n)?",
        rest in proptest::collection::vec(proptest::num::u8::ANY, 0..64),
    ) {
        let text = [head.as_bytes(), &rest].concat();
        let whole = parse(&text);
        // What was complete before the last octet came stays what it was.
        if let Some(before) = text.len().checked_sub(1)
            && let Ok(Some(answer)) = parse(&text[..before])
        {
            let whole = whole.unwrap().unwrap();
            proptest::prop_assert_eq!(whole.status, answer.status);
            proptest::prop_assert_eq!(whole.headers, answer.headers);
        }
    }
}
