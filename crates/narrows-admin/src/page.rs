//! The page: three files, none of which asks for anything but this listener.

/// The type and the text of a file.
pub(crate) fn file(path: &str) -> Option<(&'static str, &'static str)> {
    match path {
        "/" => Some(("text/html; charset=utf-8", include_str!("page/page.html"))),
        "/page.css" => Some(("text/css; charset=utf-8", include_str!("page/page.css"))),
        "/page.js" => Some((
            "text/javascript; charset=utf-8",
            include_str!("page/page.js"),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_41_nothing_is_ever_put_in_as_markup() {
        let (_, script) = file("/page.js").unwrap();
        for way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "eval(",
            "new Function",
            "createContextualFragment",
            "setHTML",
            "srcdoc",
        ] {
            assert!(!script.contains(way), "{way}");
        }
    }

    #[test]
    fn no_file_names_another_host_or_has_code_inline() {
        for path in ["/", "/page.css", "/page.js"] {
            let (_, text) = file(path).unwrap();
            let svg = "http://www.w3.org/2000/svg";
            let rest = text.replace(svg, "");
            assert!(!rest.contains("://"), "{path}");
            assert!(!rest.contains("@import"), "{path}");
            assert!(
                !rest.contains(" style=") && !rest.contains(" onclick="),
                "{path}"
            );
        }
    }
}
