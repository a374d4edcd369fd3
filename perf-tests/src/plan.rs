//! The plan: the whole load as a value, known before anything runs.
//!
//! A [`LoadProfile`] describes a scenario's load in k6's terms. [`LoadProfile::plan`] turns it into
//! a [`PartPlan`]: when each virtual user starts and stops, or when each arrival is due. All
//! functions are pure, so a plan can be tested, drawn, hashed and repeated without running it. A
//! `Plan` consists of the parts that run side by side.

mod apportion;
mod arrivals;
mod draw;
mod executor;
mod load_error;
mod phases;
mod profile;
mod schedule;

use std::ops::Range;
use std::time::Duration;

use perf_report::format::hex;
use sha2::{Digest as _, Sha256};

pub(crate) use apportion::apportion;
#[doc(hidden)]
pub use arrivals::Arrivals;
pub(crate) use draw::{Experience, draw};
pub use load_error::LoadError;
pub(crate) use perf_report::evidence::nanos;
#[doc(hidden)]
pub use phases::PhasePlan;
pub use profile::{
    LoadProfile, constant_arrival_rate, constant_vus, per_vu_iterations, ramping_arrival_rate, ramping_vus,
    shared_iterations,
};
#[doc(hidden)]
pub use schedule::{ActiveSpan, IterationLimit, Schedule, VuPlan};

/// Everything that a run will do.
#[derive(Debug, Clone, PartialEq)]
#[doc(hidden)]
pub struct Plan {
    /// The parts, which run side by side.
    pub parts: Vec<PartPlan>,
    /// Random seed of arrivals, mixes, think times and payloads.
    pub seed: u64,
}

/// The plan of one part of a run, made by [`LoadProfile::plan`]. Times are from the start of the
/// load.
///
/// ```
/// # use std::time::Duration;
/// use perf_tests::constant_arrival_rate;
/// use perf_tests::plan::{LoadError, PartPlan};
///
/// let second = Duration::from_secs(1);
/// let load = constant_arrival_rate(20, second, second * 30, 5).start_time(second * 10);
/// let part: PartPlan = load.plan("customers", 1, 42)?;
/// assert_eq!((part.start, part.end), (second * 10, second * 40));
/// # Ok::<(), LoadError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PartPlan {
    /// The value of the label `scenario`.
    pub name: String,
    /// The id of its first virtual user.
    pub first_id: u32,
    /// When the part begins.
    pub start: Duration,
    /// After this time, no virtual user begins another iteration and no arrival is due.
    pub end: Duration,
    /// Longest time that iterations under way at `end` may still take.
    pub graceful_stop: Duration,
    /// Minimum time between two iteration starts of a virtual user.
    pub min_iteration: Duration,
    /// The virtual users that run iterations, and their times.
    #[doc(hidden)]
    pub schedule: Schedule,
    /// When each phase of the load begins.
    #[doc(hidden)]
    pub phases: PhasePlan,
}

impl Plan {
    /// When the last part ends, from the start of the run.
    pub fn end(&self) -> Duration {
        self.parts.iter().map(|part| part.end).max().unwrap_or_default()
    }

    /// When the last iteration is cut off, from the start of the run.
    pub(crate) fn last_cut(&self) -> Duration {
        let of_vus = |part: &PartPlan| match &part.schedule {
            Schedule::Vus { vus, .. } => vus.iter().flat_map(|vu| &vu.spans).map(|span| span.cut).max(),
            Schedule::Arrivals { .. } => None,
        };
        let cuts = self.parts.iter().map(|part| (part.end + part.graceful_stop).max(of_vus(part).unwrap_or_default()));
        cuts.max().unwrap_or_default()
    }

    pub(crate) fn most_vus(&self) -> u32 {
        self.parts.iter().map(PartPlan::most_vus).fold(0, u32::saturating_add)
    }

    /// Whether every part gives iterations time to end by themselves.
    pub(crate) fn is_graceful(&self) -> bool {
        self.parts.iter().all(PartPlan::is_graceful)
    }

    /// SHA-256, in hexadecimal, of the plan: the seed, each part's times and phases, every start
    /// and stop of a virtual user and every arrival. The requests of virtual users follow from the
    /// seed and the scenario's code.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |number: u64| hash.update(number.to_le_bytes());
        add(self.seed);
        for part in &self.parts {
            part.name.bytes().for_each(|byte| add(byte.into()));
            for time in [part.start, part.end, part.graceful_stop, part.min_iteration] {
                add(nanos(time));
            }
            for (from, phase) in part.phases.steps() {
                add(nanos(from));
                add(phase.index() as u64);
            }
            match &part.schedule {
                Schedule::Vus { vus, iterations } => {
                    let (kind, count) = match iterations {
                        IterationLimit::UntilStop => (0, 0),
                        IterationLimit::Shared(count) => (1, *count),
                        IterationLimit::Each(count) => (2, *count),
                    };
                    add(kind);
                    add(count);
                    for vu in vus {
                        add(vu.id.into());
                        for span in &vu.spans {
                            add(nanos(span.start));
                            add(nanos(span.stop));
                            add(nanos(span.cut));
                        }
                    }
                }
                Schedule::Arrivals { arrivals, vus, max_vus } => {
                    add(3);
                    add((*vus).into());
                    add((*max_vus).into());
                    arrivals.iter().for_each(|due| add(nanos(due)));
                }
            }
        }
        hex(&hash.finalize())
    }
}

impl PartPlan {
    pub(crate) fn most_vus(&self) -> u32 {
        match &self.schedule {
            Schedule::Vus { vus, .. } => u32::try_from(vus.len()).unwrap_or(u32::MAX),
            Schedule::Arrivals { max_vus, .. } => *max_vus,
        }
    }

    pub(crate) fn ids(&self) -> Range<u32> {
        self.first_id..self.first_id.saturating_add(self.most_vus())
    }

    /// The number of virtual users planned to be active at a time. For an open load, its maximum.
    pub(crate) fn vus_at(&self, at: Duration) -> u32 {
        match &self.schedule {
            Schedule::Vus { vus, .. } => {
                let active = vus.iter().filter(|vu| vu.spans.iter().any(|span| span.start <= at && at < span.stop));
                u32::try_from(active.count()).unwrap_or(u32::MAX)
            }
            Schedule::Arrivals { max_vus, .. } if self.start <= at && at < self.end => *max_vus,
            Schedule::Arrivals { .. } => 0,
        }
    }

    /// Whether iterations are due at planned times.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::{constant_arrival_rate, constant_vus};
    /// # let second = Duration::from_secs(1);
    /// assert!(!constant_vus(10, second).plan("customers", 1, 42)?.is_open());
    /// assert!(constant_arrival_rate(20, second, second, 5).plan("customers", 1, 42)?.is_open());
    /// # Ok::<(), perf_tests::plan::LoadError>(())
    /// ```
    pub const fn is_open(&self) -> bool {
        matches!(self.schedule, Schedule::Arrivals { .. })
    }

    fn is_graceful(&self) -> bool {
        let Schedule::Vus { vus, .. } = &self.schedule else { return !self.graceful_stop.is_zero() };
        vus.iter().flat_map(|vu| &vu.spans).all(|span| span.cut > span.stop)
    }

    /// The planned number of iterations, if it is known.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::{constant_vus, per_vu_iterations};
    /// let timed = constant_vus(3, Duration::from_secs(30));
    /// assert_eq!(per_vu_iterations(3, 4).plan("customers", 1, 42)?.iterations(), Some(12));
    /// assert_eq!(timed.plan("customers", 1, 42)?.iterations(), None);
    /// # Ok::<(), perf_tests::plan::LoadError>(())
    /// ```
    pub fn iterations(&self) -> Option<u64> {
        match &self.schedule {
            Schedule::Vus { iterations: IterationLimit::UntilStop, .. } => None,
            Schedule::Vus { iterations: IterationLimit::Shared(count), .. } => Some(*count),
            Schedule::Vus { iterations: IterationLimit::Each(count), vus } => {
                Some(count.saturating_mul(vus.len() as u64))
            }
            Schedule::Arrivals { arrivals, .. } => Some(arrivals.total()),
        }
    }
}

#[cfg(test)]
mod tests;
