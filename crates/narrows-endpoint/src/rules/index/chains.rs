//! [`Chains`]: the rules behind one name, suffix or network.

use super::Entry;

/// No further link; also the rule of a target that no rule matches.
pub(super) const NONE: u32 = u32::MAX;

/// Links of every chain but the first of each, which stands where the chain is found.
#[derive(Debug, Default)]
pub(super) struct Chains(Vec<Link>);

/// One rule, and where the next one of its chain is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    entry: Entry,
    next: u32,
}

// === impl Chains ===

impl Chains {
    /// Puts an entry before a chain.
    pub(super) fn push(&mut self, chain: Option<Link>, entry: Entry) -> Link {
        let next = match chain {
            None => NONE,
            Some(link) => {
                self.0.push(link);
                // Fewer links than rules, and those are counted.
                u32::try_from(self.0.len() - 1).unwrap_or(NONE)
            }
        };
        Link { entry, next }
    }

    /// The first rule of a chain that comes before `best`, covers the port, and fits if it has stars.
    #[inline]
    pub(super) fn better(
        &self,
        mut link: Link,
        best: u32,
        port: u16,
        fits: impl Fn(u32) -> bool,
    ) -> u32 {
        loop {
            let Entry {
                rule,
                ports,
                starred,
            } = link.entry;
            // Chains run in order of precedence: nothing behind is better.
            if rule >= best {
                return best;
            }
            if ports.contains(port) && (!starred || fits(rule)) {
                return rule;
            }
            match self.0.get(link.next as usize) {
                Some(next) => link = *next,
                None => return best,
            }
        }
    }
}
