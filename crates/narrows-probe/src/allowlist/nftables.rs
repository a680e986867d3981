//! nftables: sets of addresses, which names lead to.

use super::{Document, Written};

/// Empty named sets for each port, the rules that use them, and the lines with which dnsmasq puts in the
/// addresses that it answers. A firewall of addresses has no names of its own, and addresses that were
/// looked up once would be wrong tomorrow.
pub(super) fn write(document: &Document) -> Written {
    let mut written = Written::default();
    let mut text = document.comments("#");
    text.push_str(
        "# load it with nft -f, jump to the chain from yours, and let dnsmasq (2.87 or later) fill the sets:\n",
    );
    let ports: Vec<(String, u16)> = {
        let mut ports: Vec<_> = document
            .open
            .iter()
            .map(|row| (row.transport.to_string(), row.port))
            .collect();
        ports.sort();
        ports.dedup();
        ports
    };
    for row in &document.open {
        match dnsmasq(&row.name) {
            Some(domain) => {
                let set = format!("{}_{}", row.transport, row.port);
                text.push_str(&format!(
                    "#   nftset=/{domain}/4#inet#narrows#{set}_v4,6#inet#narrows#{set}_v6\n"
                ));
            }
            None => written.warnings.push(format!(
                "{}: dnsmasq matches whole labels only; --expand-servicebus may give its names",
                row.name
            )),
        }
    }
    text.push_str("table inet narrows {\n");
    for (transport, port) in &ports {
        for (family, kind) in [("v4", "ipv4_addr"), ("v6", "ipv6_addr")] {
            text.push_str(&format!(
                "\tset {transport}_{port}_{family} {{\n\t\ttype {kind}\n\t\tflags timeout\n\t\ttimeout 1d\n\t}}\n"
            ));
        }
    }
    text.push_str("\tchain allow {\n");
    for (transport, port) in &ports {
        for (family, word) in [("v4", "ip"), ("v6", "ip6")] {
            text.push_str(&format!(
                "\t\t{word} daddr @{transport}_{port}_{family} {transport} dport {port} accept\n"
            ));
        }
    }
    text.push_str("\t}\n}\n");
    written.text = text;
    written
}

/// The name as dnsmasq has it: `*.x` is anything below `x`, and a bare name covers what is below it too.
fn dnsmasq(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("*.").unwrap_or(name);
    (!rest.contains('*')).then_some(name)
}
