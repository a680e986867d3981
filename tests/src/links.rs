//! Links between documents. A file that is moved or a heading that is renamed leaves none that leads nowhere.

use std::path::{Component, Path, PathBuf};

/// Breaches of the links in `document`, which lies at `path`: a file that `read` does not have, or a heading that
/// is not in it; and a script that is named and is not there. Of a directory, `read` gives the empty text. Links
/// to other hosts are not followed.
pub fn check_links(
    path: &str,
    document: &str,
    read: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let mut breaches = Vec::new();
    for link in links(document) {
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        let file = match file {
            "" => path.to_owned(),
            _ => beside(path, file),
        };
        match read(&file) {
            None => breaches.push(format!("{path}: {link}: there is no {file}")),
            Some(text) if !heading.is_empty() && !has_heading(&text, heading) => {
                breaches.push(format!("{path}: {link}: no such heading in {file}"));
            }
            Some(_) => {}
        }
    }
    let gone = scripts(document).filter(|script| read(script).is_none());
    breaches.extend(gone.map(|script| format!("{path}: there is no {script}")));
    breaches
}

/// The targets of `[text](target)` that are paths or headings.
fn links(document: &str) -> impl Iterator<Item = &str> {
    let targets = prose(document).flat_map(|line| line.split("](").skip(1));
    targets
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .filter(|target| !target.contains("://"))
}

/// Every `scripts/NAME.sh`, in prose and in commands.
fn scripts(document: &str) -> impl Iterator<Item = &str> {
    let odd = |letter: char| !(letter.is_ascii_alphanumeric() || "/-_.".contains(letter));
    document
        .split(odd)
        .filter(|word| word.starts_with("scripts/") && word.ends_with(".sh"))
}

/// Whether a heading has this anchor: in small letters, `-` for spaces, and no punctuation.
fn has_heading(document: &str, anchor: &str) -> bool {
    let mut headings = prose(document).filter(|line| line.starts_with('#'));
    headings.any(|line| {
        let text = line.trim_start_matches('#').trim().to_lowercase();
        let kept = text
            .chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter })
            .eq(anchor.chars())
    })
}

/// The lines outside fenced blocks.
fn prose(document: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    document.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// Where a link leads that stands in the file at `path`.
fn beside(path: &str, link: &str) -> String {
    let mut at = PathBuf::from(path);
    at.pop();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => drop(at.pop()),
            Component::CurDir => {}
            part => at.push(part),
        }
    }
    at.to_string_lossy().into_owned()
}
