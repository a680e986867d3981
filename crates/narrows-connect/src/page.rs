//! [`excerpt`] and [`printable`]: from an error page, or any foreign text, to one line that a person can
//! read.

/// The longest excerpt that is kept, in characters: Squid's headings and the sentence behind them.
const MAX_CHARS: usize = 200;

/// The visible text of an HTML or plain-text body on one line, cut to a few hundred characters.
///
/// Tags, comments, style sheets, scripts and control characters are removed, white space is folded and
/// the common entities are decoded. The title is only used if there is nothing else, since headings
/// repeat it. This is not an HTML parser: it is only good for showing.
///
/// # Examples
///
/// ```
/// use narrows_connect::excerpt;
///
/// assert_eq!(excerpt(b"<h1>Access\r\n Denied</h1><p>Ask &lt;IT&gt;"), "Access Denied Ask <IT>");
/// ```
pub fn excerpt(body: &[u8]) -> String {
    let html = String::from_utf8_lossy(body);
    let text = printable(&decode_entities(&visible(&html)));
    if text.is_empty() {
        printable(&decode_entities(title(&html)))
    } else {
        text
    }
}

/// Folds white space, drops what is not printable, and cuts with an ellipsis.
pub fn printable(text: &str) -> String {
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .map(|word| word.trim_matches(is_invisible))
        .filter(|word| !word.is_empty());
    let mut line = String::new();
    for c in words.flat_map(|word| std::iter::once(' ').chain(word.chars())) {
        if line.is_empty() && c == ' ' || is_invisible(c) {
            continue;
        }
        line.push(c);
    }
    match line.char_indices().nth(MAX_CHARS) {
        Some((cut, _)) => line[..cut].to_owned() + "…",
        None => line,
    }
}

/// What stands between `<title>` and the next tag.
fn title(html: &str) -> &str {
    // ASCII lower-casing keeps every byte offset.
    let start = html.to_ascii_lowercase().find("<title>");
    let title = start.map_or("", |start| &html[start + "<title>".len()..]);
    title.split('<').next().unwrap_or_default()
}

/// Replaces every tag, comment, title, style sheet and script by a space; an unfinished one ends the text.
fn visible(mut html: &str) -> String {
    let mut text = String::new();
    while let Some(open) = html.find('<') {
        let (before, markup) = html.split_at(open);
        text.push_str(before);
        if !markup[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c)) {
            text.push('<');
            html = &markup[1..];
            continue;
        }
        text.push(' ');
        let Some(close) = end_of_markup(markup) else {
            return text;
        };
        html = &markup[close..];
    }
    text + html
}

/// Where the tag, comment, title, style sheet or script at the start of `markup` ends.
fn end_of_markup(markup: &str) -> Option<usize> {
    let starts = |tag: &str| {
        let head = markup.as_bytes().get(..tag.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(tag.as_bytes()))
    };
    let end = if starts("<!--") {
        "-->"
    } else if starts("<title") {
        "</title>"
    } else if starts("<style") {
        "</style>"
    } else if starts("<script") {
        "</script>"
    } else {
        ">"
    };
    // ASCII lower-casing keeps every byte offset.
    let found = markup.to_ascii_lowercase().find(end)?;
    Some(found + end.len())
}

fn decode_entities(text: &str) -> String {
    // `&amp;` last, so that nothing is decoded twice.
    const ENTITIES: [(&str, &str); 6] = [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    ENTITIES
        .iter()
        .fold(text.to_owned(), |text, (entity, plain)| {
            text.replace(entity, plain)
        })
}

/// Characters that move or hide text on a terminal without being control characters.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fffd}' | '\u{e0000}'..='\u{e007f}'
    ) || c.is_control()
}

#[cfg(test)]
mod tests;
