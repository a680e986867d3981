//! nftables: sets of addresses, which names lead to.

use std::collections::BTreeSet;

use super::{Document, Written};
use crate::selection::Opening;

/// Empty named sets for each port, the rules that use them, and the lines with which dnsmasq puts in the
/// addresses that it answers. A firewall of addresses has no names of its own, and addresses that were
/// looked up once would be wrong tomorrow.
pub(super) fn write(document: &Document) -> Written {
    let mut written = Written::default();
    let services: BTreeSet<_> = document.open.iter().map(service).collect();
    written.text = document.comments("#") + HEAD;
    for row in &document.open {
        match dnsmasq(row) {
            Some(line) => written.text.push_str(&line),
            None => written.warnings.push(format!(
                "{}: dnsmasq matches whole labels only; --expand-servicebus may give its names",
                row.name
            )),
        }
    }
    written.text.push_str("table inet narrows {\n");
    written.text.extend(services.iter().map(sets));
    written.text.push_str("\tchain allow {\n");
    written.text.extend(services.iter().map(rules));
    written.text.push_str("\t}\n}\n");
    written
}

/// A transport protocol and a port.
type Service = (&'static str, u16);

const HEAD: &str = "# load it with nft -f, jump to the chain from yours, and let dnsmasq (2.87 or later) \
                    fill the sets:\n";

fn service(row: &Opening) -> Service {
    (row.transport.as_str(), row.port)
}

fn sets((transport, port): &Service) -> String {
    let set = |(family, kind)| {
        format!(
            "\tset {transport}_{port}_{family} {{\n\t\ttype {kind}\n\t\tflags timeout\n\t\ttimeout 1d\n\t}}\n"
        )
    };
    [("v4", "ipv4_addr"), ("v6", "ipv6_addr")].map(set).concat()
}

fn rules((transport, port): &Service) -> String {
    let rule = |(family, word)| {
        format!("\t\t{word} daddr @{transport}_{port}_{family} {transport} dport {port} accept\n")
    };
    [("v4", "ip"), ("v6", "ip6")].map(rule).concat()
}

/// The line with which dnsmasq fills the sets: `*.x` is anything below `x`, and a bare name covers what is
/// below it too. None for a star inside a label.
fn dnsmasq(row: &Opening) -> Option<String> {
    let rest = row.name.strip_prefix("*.").unwrap_or(&row.name);
    let (transport, port) = service(row);
    let (name, set) = (&row.name, format!("inet#narrows#{transport}_{port}"));
    let line = format!("#   nftset=/{name}/4#{set}_v4,6#{set}_v6\n");
    (!rest.contains('*')).then_some(line)
}
