//! Peers that connected and were refused.

use perf_report::format::counted;

/// Maximum number of reasons that are kept. Any program that reaches the address is such a peer.
const MOST: usize = 8;

pub(super) struct RefusedPeer {
    /// Its address, or process and machine.
    pub(super) peer: String,
    pub(super) why: String,
}

/// The first reasons for which peers were refused.
#[derive(Debug, Clone, Default)]
pub(crate) struct RefusedPeers {
    reasons: Vec<RefusalReason>,
    /// Number of peers that were refused for other reasons.
    others: u64,
}

#[derive(Debug, Clone)]
struct RefusalReason {
    why: String,
    first_peer: String,
    count: u64,
}

impl RefusedPeers {
    /// Adds a peer. Calls `show` with the text about it, if its reason is new.
    pub(super) fn add(&mut self, RefusedPeer { peer, why }: RefusedPeer, show: &dyn Fn(&str)) {
        if let Some(reason) = self.reasons.iter_mut().find(|known| known.why == why) {
            reason.count += 1;
        } else if self.reasons.len() < MOST {
            let reason = RefusalReason { why, first_peer: peer, count: 1 };
            show(&reason.describe());
            self.reasons.push(reason);
        } else {
            self.others += 1;
        }
    }

    /// A text for each reason, and one for the peers with other reasons.
    pub(crate) fn texts(&self) -> impl Iterator<Item = String> {
        let others = (self.others > 0).then(|| format!("other reasons: {} refused", counted(self.others, "peer")));
        self.reasons.iter().map(RefusalReason::describe).chain(others)
    }
}

impl RefusalReason {
    fn describe(&self) -> String {
        let Self { why, first_peer, count } = self;
        match count {
            1 => format!("a peer was refused: {first_peer}: {why}"),
            _ => format!("{} were refused, first {first_peer}: {why}", counted(*count, "peer")),
        }
    }
}

#[cfg(test)]
mod tests;
