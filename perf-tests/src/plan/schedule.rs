//! The virtual users that run iterations, and their times.

use std::sync::Arc;
use std::time::Duration;

use super::arrivals::Arrivals;

/// The virtual users that run iterations, and their times.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// Closed: a virtual user begins its next iteration when the previous one has ended.
    Vus {
        /// Every virtual user.
        vus: Vec<VuPlan>,
        /// The number of iterations.
        iterations: IterationLimit,
    },
    /// Open: an iteration begins when it is due, whether or not earlier ones have ended.
    Arrivals {
        /// When each iteration is due.
        arrivals: Arc<Arrivals>,
        /// Virtual users that exist from the start.
        vus: u32,
        /// Maximum number of virtual users. An arrival that finds all of them busy is dropped.
        max_vus: u32,
    },
}

/// One virtual user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VuPlan {
    /// Unique in the run, from 1. The id 0 runs setup and teardown.
    pub id: u32,
    /// The times in which it is active, ascending.
    pub spans: Vec<ActiveSpan>,
}

/// A time in which a virtual user is active, from the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveSpan {
    /// Its first iteration begins.
    pub start: Duration,
    /// It begins no further iteration.
    pub stop: Duration,
    /// An iteration still under way is cut off. If the next span begins earlier, the iteration
    /// continues into that span.
    pub cut: Duration,
}

/// The number of iterations of a closed load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IterationLimit {
    /// As many as time allows.
    UntilStop,
    /// A total number. A free virtual user takes the next one.
    Shared(u64),
    /// A number for each virtual user.
    Each(u64),
}
