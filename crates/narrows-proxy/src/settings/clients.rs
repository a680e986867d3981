//! Who may use the proxy, and where the ones on other machines may be led.

use std::net::IpAddr;

use ipnet::IpNet;
use narrows_endpoint::Source;

use super::{Merge, given};
use crate::reach::Reach;
use narrows_service::problem::Problem;

impl Merge<'_> {
    /// The ranges that may use the proxy beside loopback; flags replace those of the file.
    pub(super) fn clients(&mut self) -> Vec<IpNet> {
        let options = given(&self.options.allow_clients);
        let texts: Vec<(String, Source)> = if options.is_empty() {
            let file = self
                .loaded
                .iter()
                .flat_map(|loaded| &loaded.file.clients.allow);
            file.map(|text| (text.get_ref().clone(), self.place(text)))
                .collect()
        } else {
            let source = self.origins.of("allow-clients");
            let texts = options.into_iter();
            texts
                .map(|text| (text.to_owned(), source.clone()))
                .collect()
        };
        self.ranges(texts, "client addresses")
    }

    /// Where clients on other machines may be led, beside public addresses.
    pub(super) fn reach(&mut self, clients: &[IpNet]) -> Reach {
        let section = self.loaded.map(|loaded| &loaded.file.clients);
        let Some(named) = section.and_then(|section| section.reach.as_ref()) else {
            return Reach::default();
        };
        if clients.is_empty() {
            self.warnings.push(
                "clients.reach holds for clients on other machines, and clients.allow names none"
                    .to_owned(),
            );
        }
        let texts = named
            .iter()
            .map(|text| (text.get_ref().clone(), self.place(text)))
            .collect();
        Reach::only(self.ranges(texts, "addresses"))
    }

    fn ranges(&mut self, texts: Vec<(String, Source)>, what: &str) -> Vec<IpNet> {
        let mut ranges = Vec::new();
        for (text, source) in texts {
            match read(&text) {
                Ok(range) => ranges.push(range),
                Err(hint) => {
                    let message = format!("{text:?} is not a range of {what}");
                    self.problems.push(Problem::new(source, message).hint(hint));
                }
            }
        }
        ranges
    }
}

/// Reads a range or an address; the error says what to write.
fn read(text: &str) -> Result<IpNet, String> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(ip.to_canonical().into());
    }
    let Ok(range) = text.parse::<IpNet>() else {
        return Err("write a network such as 10.0.0.0/8, or one address".to_owned());
    };
    if range.trunc() != range {
        return Err(format!(
            "address bits are set after the prefix; write {}",
            range.trunc()
        ));
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_addresses() {
        for (text, range) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("fd00::/8", "fd00::/8"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(
                read(text).map(|range| range.to_string()).as_deref(),
                Ok(range),
                "{text}"
            );
        }
        assert!(
            read("10.1.2.3/8")
                .unwrap_err()
                .ends_with("write 10.0.0.0/8")
        );
        for text in ["", "10.0.0.0/33", "example.com", "10.0.0.*", "*", "[::1]"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
