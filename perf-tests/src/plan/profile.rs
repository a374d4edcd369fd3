//! Load profiles: a scenario's load in terms of k6's executors, and how it becomes a plan.

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
mod several;

/// Longest time that an iteration under way at the end of the load may still take. k6's default.
const GRACEFUL_STOP: Duration = Duration::from_secs(30);
/// k6's default `maxDuration` of loads with a number of iterations.
const MAX_DURATION: Duration = Duration::from_secs(600);

/// A load: an executor and the options that all executors have. Functions such as [`constant_vus`]
/// create it. Values out of range are reported when the load is planned, with exit code 104.
///
/// ```
/// # use std::time::Duration;
/// # use perf_tests::constant_vus;
/// let second = Duration::from_secs(1);
/// let load = constant_vus(10, second * 30).warm_up(second * 5).graceful_stop(second);
/// assert_eq!(load.to_string(), "10 VUs for 30s, the first 5s of it warm-up");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadProfile {
    #[serde(flatten)]
    pub(crate) executor: Executor,
    /// When the load begins, from the start of the run.
    pub start_time: Duration,
    /// Longest time that iterations under way at its end may still take.
    pub graceful_stop: Duration,
    /// Minimum time between two iteration starts of a virtual user.
    pub min_iteration_duration: Duration,
    /// Length of the warm-up, from the start of the load.
    pub warm_up: Duration,
    /// Labels of its series, in addition to the run's.
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

/// `vus` virtual users for `duration`. Each begins its next iteration when the previous one has
/// ended.
///
/// ```
/// # use std::time::Duration;
/// # use perf_tests::constant_vus;
/// let load = constant_vus(10, Duration::from_secs(30));
/// assert_eq!(load.to_string(), "10 VUs for 30s");
/// ```
pub fn constant_vus(vus: u32, duration: Duration) -> LoadProfile {
    Executor::ConstantVus(ConstantVus { vus, duration }).into()
}

/// Virtual users that change in stages, starting with 1. Each stage is a duration and the number of
/// virtual users at its end. The number changes linearly within a stage.
///
/// ```
/// # use std::time::Duration;
/// # use perf_tests::ramping_vus;
/// let minute = Duration::from_secs(60);
/// let load = ramping_vus(&[(minute, 50), (minute * 3, 50), (minute, 0)]);
/// assert_eq!(load.duration(), minute * 5);
/// ```
pub fn ramping_vus(to: &[(Duration, u32)]) -> LoadProfile {
    Executor::RampingVus(RampingVus { start_vus: 1, stages: stages(to), graceful_ramp_down: GRACEFUL_STOP }).into()
}

/// `iterations` in total, shared by `vus` virtual users, within 10 minutes. A free virtual user
/// takes the next iteration.
///
/// ```
/// # use perf_tests::shared_iterations;
/// let load = shared_iterations(10, 500);
/// ```
pub fn shared_iterations(vus: u32, iterations: u64) -> LoadProfile {
    Executor::SharedIterations(SharedIterations { vus, iterations, max_duration: MAX_DURATION }).into()
}

/// `iterations` for each of `vus` virtual users, within 10 minutes.
///
/// ```
/// # use perf_tests::per_vu_iterations;
/// let load = per_vu_iterations(30, 1);
/// ```
pub fn per_vu_iterations(vus: u32, iterations: u64) -> LoadProfile {
    Executor::PerVuIterations(PerVuIterations { vus, iterations, max_duration: MAX_DURATION }).into()
}

/// `count` iterations begin in each period of length `per`, for `duration`, run by `vus` virtual
/// users. An iteration that is due while all virtual users are busy is dropped.
///
/// ```
/// # use std::time::Duration;
/// # use perf_tests::constant_arrival_rate;
/// let second = Duration::from_secs(1);
/// let load = constant_arrival_rate(40, second, second * 30, 20).max_vus(80);
/// assert_eq!(load.duration(), second * 30);
/// ```
pub fn constant_arrival_rate(count: u64, per: Duration, duration: Duration, vus: u32) -> LoadProfile {
    let (rate, spacing) = (Rate { count, per }, Spacing::Even);
    Executor::ConstantArrivalRate(ConstantArrivalRate { rate, duration, vus, max_vus: vus, spacing }).into()
}

/// Iterations begin at a rate that changes in stages, starting with `start_rate` per second. Each
/// stage is a duration and the rate per second at its end. `vus` virtual users run the iterations.
/// An iteration that is due while all of them are busy is dropped.
///
/// ```
/// # use std::time::Duration;
/// # use perf_tests::ramping_arrival_rate;
/// let minute = Duration::from_secs(60);
/// let load = ramping_arrival_rate(10, &[(minute, 100), (minute, 100)], 50);
/// assert_eq!(load.duration(), minute * 2);
/// ```
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
    /// Duration of the load, without the graceful stop. For a number of iterations, it is the
    /// maximum duration.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::per_vu_iterations;
    /// assert_eq!(per_vu_iterations(30, 1).duration(), Duration::from_secs(600));
    /// ```
    pub fn duration(&self) -> Duration {
        self.executor.rules().duration()
    }

    /// Plans the load as part `name` of a run. Its virtual users are numbered from `first_id`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::constant_arrival_rate;
    /// let second = Duration::from_secs(1);
    /// let plan = constant_arrival_rate(20, second, second * 60, 10).plan("polls", 1, 7)?;
    /// assert_eq!(plan.iterations(), Some(1200));
    /// # Ok::<(), perf_tests::plan::LoadError>(())
    /// ```
    ///
    /// # Errors
    /// If a value is out of range.
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
