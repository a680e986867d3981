//! The nearest known words for a mistyped one.

/// Words that share a beginning and most letters with the wanted one are offered.
const SIMILAR: f64 = 0.8;
/// As many as fit into a line and can be told apart.
const OFFERED: usize = 3;

/// The known words most like the wanted one, best first; none if nothing is like it.
pub(crate) fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.to_ascii_lowercase();
    let mut near: Vec<_> = known
        .into_iter()
        .map(|word| {
            let similarity = strsim::jaro_winkler(&word.to_ascii_lowercase(), &wanted);
            (similarity, word)
        })
        .filter(|(similarity, _)| *similarity > SIMILAR)
        .collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    near.into_iter()
        .take(OFFERED)
        .map(|(_, word)| word)
        .collect()
}

/// `did you mean a or b?`, or what there is if nothing is near.
pub(crate) fn hint<'a>(
    wanted: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
    what: &str,
) -> String {
    let near = nearest(wanted, known.clone());
    if near.is_empty() {
        let known: Vec<_> = known.into_iter().collect();
        return format!("the {what} are {}", known.join(", "));
    }
    format!("did you mean {}?", near.join(" or "))
}
