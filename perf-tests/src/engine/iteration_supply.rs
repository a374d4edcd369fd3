//! The iterations of a closed executor: virtual users take one after another until none is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use super::lease::LeasedIterations;
use super::vu::IterationId;

/// The iterations of a part in this process. Clones take from the same ones.
#[derive(Clone)]
pub(crate) enum IterationSupply {
    Endless,
    /// A number for each virtual user.
    Each(u64),
    /// `all` for all virtual users of this agent together. `next` is the number of taken ones.
    /// Their numbers among those of all agents are `first`, `first + step` and so on.
    Shared {
        next: Arc<AtomicU64>,
        all: u64,
        first: u64,
        step: u64,
    },
    /// Blocks that the coordinator gives this agent.
    Leased(Arc<LeasedIterations>),
}

impl IterationSupply {
    /// Takes the next iteration for a virtual user that has begun this many, if there is one.
    pub(super) fn take(&self, begun: u64) -> Option<IterationId> {
        match self {
            Self::Endless => Some(IterationId::Own(begun)),
            Self::Each(all) => (begun < *all).then_some(IterationId::Own(begun)),
            Self::Shared { next, all, first, step } => {
                let nth = next.fetch_add(1, Ordering::Relaxed);
                (nth < *all).then(|| IterationId::Shared(first + nth * step))
            }
            Self::Leased(leased) => leased.take().map(IterationId::Shared),
        }
    }

    /// Waits until `stop` for an iteration that the coordinator has yet to give.
    pub(super) async fn wait(&self, stop: Instant) -> Option<IterationId> {
        let Self::Leased(leased) = self else { return None };
        leased.wait(stop).await.map(IterationId::Shared)
    }

    /// Takes iterations that are not made, for a virtual user that has begun this many. Returns how
    /// many there were, at most `count`.
    pub(super) async fn skip(&self, begun: &mut u64, count: u64, stop: Instant) -> u64 {
        match self {
            Self::Endless => count,
            Self::Each(all) => {
                let count = count.min(all.saturating_sub(*begun));
                *begun += count;
                count
            }
            Self::Shared { next, all, .. } => count.min(all.saturating_sub(next.fetch_add(count, Ordering::Relaxed))),
            Self::Leased(leased) => leased.skip(count, stop).await,
        }
    }

    /// The number of iterations for all virtual users together that none took.
    pub(super) fn untaken(&self) -> u64 {
        match self {
            Self::Endless | Self::Each(_) => 0,
            Self::Shared { next, all, .. } => all.saturating_sub(next.load(Ordering::Relaxed)),
            Self::Leased(leased) => leased.untaken(),
        }
    }
}
