//! For people.

use narrows_endpoint::Transport;

use super::{Document, Written};
use crate::table::Table;

/// Names with their ports, what they are for and when, and the pages by number.
pub(super) fn write(document: &Document) -> Written {
    let mut pages: Vec<&str> = Vec::new();
    let mut table = Table::new(["NAME", "PORT", "PURPOSE", "WHEN", "FOR", ""]);
    for (at, row) in document.open.iter().enumerate() {
        let first = document
            .open
            .iter()
            .position(|other| other.name == row.name);
        if first != Some(at) {
            continue;
        }
        let page = pages.iter().position(|page| *page == &*row.source);
        let page = page.unwrap_or_else(|| {
            pages.push(&row.source);
            pages.len() - 1
        });
        table.row([
            row.name.clone(),
            ports(document, &row.name),
            row.purpose.to_string(),
            row.when.to_string(),
            row.feature.clone(),
            format!("[{}]", page + 1),
        ]);
    }
    let mut text = document.comments("#");
    text.push('\n');
    text.push_str(&table.to_string());
    text.push('\n');
    for (at, page) in pages.iter().enumerate() {
        text.push_str(&format!("[{}] {page}\n", at + 1));
    }
    text.into()
}

/// Every port of a name, as `80,443` or `123/udp`.
fn ports(document: &Document, name: &str) -> String {
    let rows = document.open.iter().filter(|row| row.name == name);
    let ports: Vec<_> = rows
        .map(|row| match row.transport {
            Transport::Udp => format!("{}/udp", row.port),
            _ => row.port.to_string(),
        })
        .collect();
    ports.join(",")
}
