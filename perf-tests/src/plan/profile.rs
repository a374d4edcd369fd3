//! Load profiles: what a scenario asks for, by k6's executors, and how that becomes a plan.

use std::fmt;
use std::time::Duration;

use perf_settings::{Rate, Stage, shown_duration};
use serde::{Deserialize, Serialize};

use super::PartPlan;
use super::arrivals::Spacing;
use super::executor::{
    ConstantArrivalRate, ConstantVus, Executor, PartPlacement, PerVuIterations, RampingArrivalRate, RampingVus,
    SharedIterations,
};
use super::load_error::LoadError;
use super::phases::PhasePlan;

mod change;

/// How long an iteration that is under way at the end of the load may take before it is cut off. k6's default.
const GRACEFUL_STOP: Duration = Duration::from_secs(30);
/// k6's `maxDuration` of counted iterations.
const MAX_DURATION: Duration = Duration::from_secs(600);

/// A load: an executor, and what all executors have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadProfile {
    /// Who runs iterations, and when.
    #[serde(flatten)]
    pub executor: Executor,
    /// How long after the run it begins.
    pub start_time: Duration,
    /// How long iterations under way at its end may still take.
    pub graceful_stop: Duration,
    /// A virtual user begins no iteration sooner than this after the one before.
    pub min_iteration_duration: Duration,
    /// What is due within so long from its beginning is warm-up.
    pub warm_up: Duration,
    /// Labels of its series, besides the run's.
    pub tags: Vec<(String, String)>,
}

impl From<Executor> for LoadProfile {
    fn from(executor: Executor) -> Self {
        Self {
            executor,
            start_time: Duration::ZERO,
            graceful_stop: GRACEFUL_STOP,
            min_iteration_duration: Duration::ZERO,
            warm_up: Duration::ZERO,
            tags: Vec::new(),
        }
    }
}

fn stages(stages: &[(Duration, u32)]) -> Vec<Stage> {
    stages.iter().map(|&(duration, target)| Stage { duration, target: target.into() }).collect()
}

/// `vus` virtual users for `duration`.
pub fn constant_vus(vus: u32, duration: Duration) -> LoadProfile {
    Executor::ConstantVus(ConstantVus { vus, duration }).into()
}

/// Virtual users in stages, each a time and the number to reach in it, from 1.
pub fn ramping_vus(to: &[(Duration, u32)]) -> LoadProfile {
    Executor::RampingVus(RampingVus { start_vus: 1, stages: stages(to), graceful_ramp_down: GRACEFUL_STOP }).into()
}

/// `iterations` shared by `vus` virtual users, for 10 minutes at most.
pub fn shared_iterations(vus: u32, iterations: u64) -> LoadProfile {
    Executor::SharedIterations(SharedIterations { vus, iterations, max_duration: MAX_DURATION }).into()
}

/// `iterations` for each of `vus` virtual users, for 10 minutes at most.
pub fn per_vu_iterations(vus: u32, iterations: u64) -> LoadProfile {
    Executor::PerVuIterations(PerVuIterations { vus, iterations, max_duration: MAX_DURATION }).into()
}

/// `count` iterations begin in each `per`, for `duration`, run by `vus` virtual users.
pub fn constant_arrival_rate(count: u64, per: Duration, duration: Duration, vus: u32) -> LoadProfile {
    let (rate, spacing) = (Rate { count, per }, Spacing::Even);
    Executor::ConstantArrivalRate(ConstantArrivalRate { rate, duration, vus, max_vus: vus, spacing }).into()
}

/// Iterations begin at a rate that goes from `start_rate` a second through stages, each a time and the rate to reach in
/// it, run by `vus` virtual users.
pub fn ramping_arrival_rate(start_rate: u64, to: &[(Duration, u32)], vus: u32) -> LoadProfile {
    let (time_unit, spacing) = (Duration::from_secs(1), Spacing::Even);
    Executor::RampingArrivalRate(RampingArrivalRate {
        start_rate,
        time_unit,
        stages: stages(to),
        vus,
        max_vus: vus,
        spacing,
    })
    .into()
}

impl LoadProfile {
    /// How long it lasts, graceful stop not included.
    pub fn duration(&self) -> Duration {
        self.executor.rules().duration()
    }

    /// Plans it: as part `name` of a run, whose virtual users are numbered from `first_id`.
    ///
    /// # Errors
    /// If the numbers make no sense.
    pub fn plan(&self, name: &str, first_id: u32, seed: u64) -> Result<PartPlan, LoadError> {
        self.check()?;
        let (start, graceful_stop, executor) = (self.start_time, self.graceful_stop, self.executor.rules());
        let end = start + self.duration();
        let schedule = executor.schedule(&PartPlacement { start, end, graceful_stop, first_id, seed })?;
        let phases = PhasePlan::new(start, self.warm_up, &executor.phases());
        let min_iteration = self.min_iteration_duration;
        Ok(PartPlan { name: name.to_owned(), first_id, start, end, graceful_stop, min_iteration, schedule, phases })
    }

    fn check(&self) -> Result<(), LoadError> {
        self.executor.rules().check()?;
        let (whole, warm_up) = (self.duration(), self.warm_up);
        if whole < Duration::from_secs(1) {
            return Err(LoadError::Duration(whole));
        }
        if warm_up >= whole { Err(LoadError::WarmUp { warm_up, whole }) } else { Ok(()) }
    }
}

impl fmt::Display for LoadProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.executor.rules().describe())?;
        if !self.start_time.is_zero() {
            write!(f, ", after {}", shown_duration(self.start_time))?;
        }
        if !self.warm_up.is_zero() {
            write!(f, ", the first {} of it warm-up", shown_duration(self.warm_up))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
