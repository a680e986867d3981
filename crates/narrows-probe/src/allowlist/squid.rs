//! Squid 4 and later.

use super::{Document, Written, regular_expression};

/// Names as `dstdomain`, wildcards as `dstdom_regex`: a `dstdomain` with a dot in front would open the
/// apex too. `-n` keeps Squid from looking up addresses backwards.
pub(super) fn write(document: &Document) -> Written {
    let mut written = Written::default();
    let ports = document.by_port(&mut written);
    let mut text = document.comments("#");
    text.push_str("# include it before the line: http_access deny all\n");
    for (port, rows) in ports {
        text.push_str(&format!("\nacl narrows_port_{port} port {port}\n"));
        let mut kinds = Vec::new();
        for row in rows {
            let (kind, line) = if row.is_wildcard() {
                let expression = regular_expression(&row.name);
                ("patterns", format!("dstdom_regex -n -i {expression}"))
            } else {
                ("names", format!("dstdomain -n {}", row.name))
            };
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
            text.push_str(&format!("acl narrows_{kind}_{port} {line}\n"));
        }
        for kind in kinds {
            text.push_str(&format!(
                "http_access allow narrows_{kind}_{port} narrows_port_{port}\n"
            ));
        }
    }
    written.text = text;
    written
}
