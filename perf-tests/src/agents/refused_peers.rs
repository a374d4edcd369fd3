//! Peers that connected and were refused.

use perf_report::format::counted;

/// Maximum number of peers that are kept. Any program that reaches the address is such a peer.
const MOST: usize = 5;

/// The first peers that were refused, each with the reason, and the number of the others.
#[derive(Debug, Clone, Default)]
pub(crate) struct RefusedPeers {
    first: Vec<String>,
    others: u64,
}

impl RefusedPeers {
    /// Adds a peer, and calls `show` with it if it is one of the first.
    pub(super) fn add(&mut self, peer: String, show: &dyn Fn(&str)) {
        if self.first.len() < MOST {
            show(&peer);
            self.first.push(peer);
        } else {
            self.others += 1;
        }
    }

    /// A line for each of the first peers, and one for the others.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let others = (self.others > 0).then(|| counted(self.others, "more peer"));
        self.first.iter().cloned().chain(others)
    }
}

#[cfg(test)]
mod tests;
