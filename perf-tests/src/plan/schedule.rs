//! The virtual users that run iterations, and their times.

use std::sync::Arc;
use std::time::Duration;

use super::arrivals::Arrivals;

/// The virtual users that run iterations, and their times.
///
/// ```
/// # use std::time::Duration;
/// # use perf_tests::ramping_vus;
/// # use perf_tests::plan::Schedule;
/// let minute = Duration::from_secs(60);
/// let part = ramping_vus(&[(minute, 2), (minute, 2)]).plan("readers", 1, 7)?;
/// let Schedule::Vus { vus, .. } = part.schedule else { panic!("a closed load has VUs") };
/// assert_eq!(vus[1].spans[0].stop, minute * 2);
/// # Ok::<(), perf_tests::plan::LoadError>(())
/// ```
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
///
/// ```
/// # use std::time::Duration;
/// # use perf_tests::constant_vus;
/// # use perf_tests::plan::Schedule;
/// # let part = constant_vus(10, Duration::from_secs(60)).plan("readers", 1, 7)?;
/// # let Schedule::Vus { vus, .. } = part.schedule else { panic!("a closed load has VUs") };
/// assert_eq!((vus[0].id, vus[9].id), (1, 10));
/// assert_eq!(vus[9].spans.len(), 1);
/// # Ok::<(), perf_tests::plan::LoadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VuPlan {
    /// Unique in the run, from 1. The id 0 runs setup and teardown.
    pub id: u32,
    /// The times in which it is active, ascending.
    pub spans: Vec<ActiveSpan>,
}

/// A time in which a virtual user is active, from the start of the run.
///
/// ```
/// # use std::time::Duration;
/// # use perf_tests::constant_vus;
/// # use perf_tests::plan::{ActiveSpan, Schedule};
/// let second = Duration::from_secs(1);
/// let part = constant_vus(1, second * 60).graceful_stop(second * 5).plan("readers", 1, 7)?;
/// # let Schedule::Vus { vus, .. } = part.schedule else { panic!("a closed load has VUs") };
/// let span = ActiveSpan { start: Duration::ZERO, stop: second * 60, cut: second * 65 };
/// assert_eq!(vus[0].spans, [span]);
/// # Ok::<(), perf_tests::plan::LoadError>(())
/// ```
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
///
/// ```
/// # use perf_tests::plan::{IterationLimit, Schedule};
/// # use perf_tests::shared_iterations;
/// let part = shared_iterations(10, 500).plan("readers", 1, 7)?;
/// let Schedule::Vus { iterations, .. } = part.schedule else { panic!("a closed load has VUs") };
/// assert_eq!(iterations, IterationLimit::Shared(500));
/// # Ok::<(), perf_tests::plan::LoadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IterationLimit {
    /// As many as time allows.
    UntilStop,
    /// A total number. A free virtual user takes the next one.
    Shared(u64),
    /// A number for each virtual user.
    Each(u64),
}
