//! Load as a value: what is planned is known before anything runs.
//!
//! A [`LoadProfile`] says what a scenario asks for, in k6's terms. [`LoadProfile::plan`] turns it into a [`PartPlan`]:
//! when each virtual user starts and stops, or when each iteration is due. All of it are pure functions, so a plan can be
//! tested, drawn, hashed and repeated without running it. A [`Plan`] is the parts that run side by side.

mod arrivals;
mod draw;
pub mod executor;
mod load_error;
mod phases;
mod profile;

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

pub use arrivals::{Arrivals, Spacing};
pub use draw::{Experience, draw};
pub use load_error::LoadError;
pub(crate) use perf_report::evidence::nanos;
pub use phases::PhasePlan;
pub use profile::{
    LoadProfile, constant_arrival_rate, constant_vus, per_vu_iterations, ramping_arrival_rate, ramping_vus,
    shared_iterations,
};

/// Everything that a run is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What runs side by side.
    pub parts: Vec<PartPlan>,
    /// What arrivals, mixes, think times and payloads are made from.
    pub seed: u64,
}

/// What one of the scenarios of a run is to do. Times are from the start of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct PartPlan {
    /// The value of the label `scenario`.
    pub name: String,
    /// The number of its first virtual user.
    pub first_id: u32,
    /// When it begins.
    pub start: Duration,
    /// When the last virtual user begins no further iteration, or the last arrival may be due.
    pub end: Duration,
    /// How long iterations under way then may still take.
    pub graceful_stop: Duration,
    /// A virtual user begins no iteration sooner than this after the one before.
    pub min_iteration: Duration,
    /// Who runs iterations, and when.
    pub schedule: Schedule,
    /// What the load is doing when.
    pub phases: PhasePlan,
}

/// Who runs iterations, and when.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// Closed: a virtual user begins its next iteration when the one before is over.
    Vus {
        /// Every virtual user.
        vus: Vec<VuPlan>,
        /// How many iterations there are.
        iterations: IterationLimit,
    },
    /// Open: an iteration begins when it is due, whatever became of those before.
    Arrivals {
        /// When each iteration is due.
        arrivals: Arc<Arrivals>,
        /// Virtual users that are there from the start.
        vus: u32,
        /// As many as there may ever be. An arrival that finds all of them busy is dropped.
        max_vus: u32,
    },
}

/// One virtual user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VuPlan {
    /// 1 and up, unlike any other of the run; 0 is who runs setup and teardown.
    pub id: u32,
    /// When it is active, ascending.
    pub spans: Vec<Span>,
}

/// A time in which a virtual user is active, from the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// It begins its first iteration.
    pub start: Duration,
    /// It begins no further iteration.
    pub stop: Duration,
    /// An iteration that is still under way is cut off. Where the next span begins before that, it is the next span's.
    pub cut: Duration,
}

/// How many iterations a closed load has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IterationLimit {
    /// As many as there is time for.
    UntilStop,
    /// So many in all: whoever is free takes the next.
    Shared(u64),
    /// So many for each virtual user.
    Each(u64),
}

impl Plan {
    /// When the last part ends, from the start of the run.
    pub fn end(&self) -> Duration {
        self.parts.iter().map(|part| part.end).max().unwrap_or_default()
    }

    /// The most virtual users that there may be at once.
    pub fn most_vus(&self) -> u32 {
        self.parts.iter().map(PartPlan::most_vus).fold(0, u32::saturating_add)
    }

    /// Whether all of it lets iterations end by themselves, for a while at least.
    pub fn is_graceful(&self) -> bool {
        self.parts.iter().all(PartPlan::is_graceful)
    }

    /// SHA-256, in hexadecimal, of all that is planned: of the seed, of each part's times and phases, of every virtual
    /// user's starts and stops and every arrival. What virtual users send follows from the seed and the scenario's code.
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
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl PartPlan {
    /// The most virtual users that there may be at once.
    pub fn most_vus(&self) -> u32 {
        match &self.schedule {
            Schedule::Vus { vus, .. } => u32::try_from(vus.len()).unwrap_or(u32::MAX),
            Schedule::Arrivals { max_vus, .. } => *max_vus,
        }
    }

    /// Virtual users that are to be active at a moment; of an open load the most that it may use.
    pub fn vus_at(&self, at: Duration) -> u32 {
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
    pub const fn is_open(&self) -> bool {
        matches!(self.schedule, Schedule::Arrivals { .. })
    }

    /// Whether iterations may take a while to end by themselves.
    fn is_graceful(&self) -> bool {
        let Schedule::Vus { vus, .. } = &self.schedule else { return !self.graceful_stop.is_zero() };
        vus.iter().flat_map(|vu| &vu.spans).all(|span| span.cut > span.stop)
    }

    /// How many iterations are planned, where that is known.
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
mod tests {
    use super::*;

    fn hash(profile: &LoadProfile, seed: u64) -> String {
        Plan { parts: vec![profile.plan("a", 1, seed).unwrap()], seed }.hash()
    }

    #[test]
    fn a_plans_hash_is_its_own() {
        let second = Duration::from_secs(1);
        let poisson = constant_arrival_rate(50, second, second * 10, 5).poisson();
        assert_eq!(hash(&poisson, 1), hash(&poisson, 1));
        let plans = [
            hash(&poisson, 1),
            hash(&poisson, 2),
            hash(&constant_arrival_rate(50, second, second * 10, 5), 1),
            hash(&constant_vus(5, second * 10), 1),
            hash(&constant_vus(5, second * 10).warm_up(second), 1),
            hash(&shared_iterations(5, 10), 1),
            hash(&per_vu_iterations(5, 10), 1),
        ];
        let different: std::collections::HashSet<_> = plans.iter().collect();
        assert_eq!(different.len(), plans.len());
    }
}
