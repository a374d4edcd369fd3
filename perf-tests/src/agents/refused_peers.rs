//! Peers that connected and were refused.

use perf_report::format::counted;

/// Maximum number of reasons that are kept. Any program that reaches the address is such a peer.
const MOST: usize = 8;

/// A peer that was refused.
pub(super) struct RefusedPeer {
    /// Its address, or process and machine.
    pub(super) peer: String,
    pub(super) why: String,
}

/// The first reasons for which peers were refused, each with its first peer and the number of
/// peers.
#[derive(Debug, Clone, Default)]
pub(crate) struct RefusedPeers {
    reasons: Vec<(String, String, u64)>,
    others: u64,
}

impl RefusedPeers {
    /// Adds a peer. Calls `show` with the text about it, if its reason is new.
    pub(super) fn add(&mut self, RefusedPeer { peer, why }: RefusedPeer, show: &dyn Fn(&str)) {
        if let Some((_, _, count)) = self.reasons.iter_mut().find(|(known, ..)| *known == why) {
            *count += 1;
        } else if self.reasons.len() < MOST {
            show(&describe(&why, &peer, 1));
            self.reasons.push((why, peer, 1));
        } else {
            self.others += 1;
        }
    }

    /// A text for each reason, and one for the peers with other reasons.
    pub(crate) fn texts(&self) -> impl Iterator<Item = String> {
        let others = (self.others > 0).then(|| format!("other reasons: {} refused", counted(self.others, "peer")));
        self.reasons.iter().map(|(why, peer, count)| describe(why, peer, *count)).chain(others)
    }
}

fn describe(why: &str, peer: &str, count: u64) -> String {
    match count {
        1 => format!("a peer was refused: {peer}: {why}"),
        _ => format!("{} were refused, first {peer}: {why}", counted(count, "peer")),
    }
}

#[cfg(test)]
mod tests;
