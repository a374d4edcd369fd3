//! Load as a value: what is planned is known before anything runs.
//!
//! A [`LoadProfile`] says what a scenario asks for, in k6's terms. [`LoadProfile::plan`] turns it into a [`Plan`]: when
//! each virtual user starts and stops, and whose iterations they share. Both are pure functions, so a plan can be
//! tested, drawn and repeated without running it.

mod profile;

use std::time::Duration;

pub use profile::{LoadError, LoadProfile, constant_vus, shared_iterations};

/// How long an iteration that is under way at the end of the load may take before it is cut off. k6's default.
pub const GRACEFUL_STOP: Duration = Duration::from_secs(30);

/// When each virtual user runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Every virtual user, by id.
    pub vus: Vec<VuPlan>,
    /// Iterations that all VUs share; none if each goes on until it stops.
    pub shared_iterations: Option<u64>,
    /// When the last VU stops, from the start of the load.
    pub duration: Duration,
    /// How long iterations under way then may still take.
    pub graceful_stop: Duration,
    /// What the VUs' own random numbers are made from.
    pub seed: u64,
}

/// When one virtual user runs, from the start of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VuPlan {
    /// 1 and up; 0 is who runs setup and teardown.
    pub id: u32,
    /// Begins its first iteration.
    pub start: Duration,
    /// Begins no further iteration.
    pub stop: Duration,
}

impl Plan {
    /// Splits the plan's VUs among workers, as evenly as can be: VU by VU in turn.
    pub fn split(&self, workers: usize) -> Vec<Vec<VuPlan>> {
        let workers = workers.clamp(1, self.vus.len().max(1));
        (0..workers).map(|worker| self.vus.iter().skip(worker).step_by(workers).copied().collect()).collect()
    }
}
