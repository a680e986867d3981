//! A reader of requests and answers that takes one spelling of each, and panics at everything that two readers
//! could take for two things.

/// A whole request.
pub(crate) struct Request {
    pub(crate) is_connect: bool,
    pub(crate) is_head: bool,
    /// Its octets, the body's too.
    pub(crate) length: usize,
}

/// The request at the start of `octets`, if it is whole.
pub(crate) fn read(octets: &[u8]) -> Option<Request> {
    let end = find(octets, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&octets[..end]).ok();
    // Values may have octets above ASCII; for the framing they are all the same.
    let lossy = octets[..end]
        .iter()
        .map(|&octet| char::from(octet))
        .collect::<String>();
    let head = head.unwrap_or(&lossy);
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let fields: Vec<_> = lines.map(field).collect();
    let [method, target, "HTTP/1.1"] = first.split(' ').collect::<Vec<_>>()[..] else {
        panic!("no request line: {first:?}");
    };
    assert!(
        is_token(method)
            && !target.is_empty()
            && target.bytes().all(|byte| byte.is_ascii_graphic()),
        "{first:?}"
    );
    let all = |name: &str| -> Vec<&str> {
        let same = fields
            .iter()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name));
        same.map(|(_, value)| *value).collect()
    };
    let host = all("host");
    assert_eq!(host.len(), 1, "{head:?}");
    if let Some(rest) = target.strip_prefix("http://") {
        let authority = rest.split(['/', '?']).next();
        assert_eq!(authority, Some(host[0]), "{head:?}");
    }
    for secret in ["proxy-authorization", "proxy-connection"] {
        assert!(all(secret).is_empty(), "{head:?}");
    }
    let body = &octets[end + 4..];
    let is_connect = method == "CONNECT";
    let length = match (&all("transfer-encoding")[..], &all("content-length")[..]) {
        ([], []) => 0,
        (["chunked"], []) if !is_connect => chunked(body)?,
        ([], [length]) if !is_connect && length.bytes().all(|byte| byte.is_ascii_digit()) => {
            let length = length.parse().expect("a length that can be");
            (body.len() >= length).then_some(length)?
        }
        _ => panic!("no unambiguous framing: {head:?}"),
    };
    Some(Request {
        is_connect,
        is_head: method == "HEAD",
        length: end + 4 + length,
    })
}

/// Reads the answer to a GET, behind any number of 1xx: one, or a part of one.
pub(crate) fn read_answer(octets: &[u8]) {
    let Some(end) = find(octets, b"\r\n\r\n") else {
        return;
    };
    let head: String = octets[..end]
        .iter()
        .map(|&octet| char::from(octet))
        .collect();
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    let status: u16 = status
        .and_then(|status| status.parse().ok())
        .expect("a status line");
    let fields: Vec<_> = lines.map(field).collect();
    let all = |name: &str| -> Vec<&str> {
        let same = fields
            .iter()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name));
        same.map(|(_, value)| *value).collect()
    };
    let body = &octets[end + 4..];
    let length = match (&all("transfer-encoding")[..], &all("content-length")[..]) {
        _ if matches!(status, 100..=199) && status != 101 => return read_answer(body),
        _ if matches!(status, 204 | 304) => Some(0),
        // To the end of the connection.
        ([], []) => None,
        (["chunked"], []) => chunked(body),
        ([], [length]) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(length.parse().expect("a length that can be"))
        }
        _ => panic!("no unambiguous framing: {head:?}"),
    };
    if let Some(length) = length {
        assert!(body.len() <= length, "more than one answer: {octets:?}");
    }
}

/// The octets of a whole chunked body.
fn chunked(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = find(&body[at..], b"\r\n")?;
        let size = std::str::from_utf8(&body[at..at + line]).expect("a size in ASCII");
        let digits = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(digits, "no size of a chunk: {size:?}");
        let size = usize::from_str_radix(size, 16).expect("a size that can be");
        at += line + 2;
        if size == 0 {
            break;
        }
        let after = body.get(at + size..at + size + 2)?;
        assert_eq!(after, b"\r\n", "a chunk longer than its size");
        at += size + 2;
    }
    // Trailers, and an empty line.
    loop {
        let line = find(&body[at..], b"\r\n")?;
        let text: String = body[at..at + line]
            .iter()
            .map(|&octet| char::from(octet))
            .collect();
        at += line + 2;
        if text.is_empty() {
            return Some(at);
        }
        field(&text);
    }
}

fn field(line: &str) -> (&str, &str) {
    let (name, value) = line
        .split_once(':')
        .unwrap_or_else(|| panic!("no field: {line:?}"));
    let good = |c: char| c == '\t' || !c.is_control() || ('\u{80}'..='\u{9f}').contains(&c);
    assert!(is_token(name) && value.chars().all(good), "{line:?}");
    (name, value.trim_matches([' ', '\t']))
}

fn is_token(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(token)
}

fn find(octets: &[u8], what: &[u8]) -> Option<usize> {
    octets.windows(what.len()).position(|part| part == what)
}
