//! RFC 4180.

use super::{Document, Written};

/// One line for each name and port.
pub(super) fn write(document: &Document) -> Written {
    let header = [
        "name",
        "port",
        "transport",
        "feature",
        "purpose",
        "when",
        "private_link",
        "group",
        "source",
    ];
    let rows = document.open.iter().map(|row| {
        [
            row.name.clone(),
            row.port.to_string(),
            row.transport.to_string(),
            row.feature.clone(),
            row.purpose.to_string(),
            row.when.to_string(),
            row.private_link.to_string(),
            row.group.to_string(),
            row.source.to_string(),
        ]
    });
    crate::table::csv(header, rows).into()
}
