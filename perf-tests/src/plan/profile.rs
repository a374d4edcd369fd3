//! Load profiles: what a scenario asks for, by k6's executors, and how that becomes a plan.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use monitoring::phase::Phase;
use monitoring::run::{self, MAX_VUS, Rate, Stage};
use serde::{Deserialize, Serialize};

use super::arrivals::{Arrivals, Spacing};
use super::phases::PhasePlan;
use super::{Iterations, PartPlan, Schedule, vus};

mod change;

/// How long an iteration that is under way at the end of the load may take before it is cut off. k6's default.
const GRACEFUL_STOP: Duration = Duration::from_secs(30);
/// k6's `maxDuration` of counted iterations.
const MAX_DURATION: Duration = Duration::from_secs(600);
/// A plan is gone through arrival by arrival; more than these are weeks of the fastest load.
const MAX_ARRIVALS: u64 = 2_000_000_000;

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

/// k6's executors, by their names there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "executor", rename_all = "kebab-case")]
pub enum Executor {
    /// So many virtual users, each iterating for so long.
    ConstantVus {
        /// How many.
        vus: u32,
        /// How long.
        duration: Duration,
    },
    /// A number of virtual users that changes in stages.
    RampingVus {
        /// How many there are at first.
        start_vus: u32,
        /// The number to reach, and in how long.
        stages: Vec<Stage>,
        /// How long an iteration may still take when its virtual user is not wanted any more.
        graceful_ramp_down: Duration,
    },
    /// So many iterations in all: whoever is free takes the next.
    SharedIterations {
        /// How many virtual users.
        vus: u32,
        /// How many iterations.
        iterations: u64,
        /// No iteration begins later than this.
        max_duration: Duration,
    },
    /// So many iterations for each virtual user.
    PerVuIterations {
        /// How many virtual users.
        vus: u32,
        /// How many iterations, each.
        iterations: u64,
        /// No iteration begins later than this.
        max_duration: Duration,
    },
    /// Iterations begin at a constant rate, whatever became of those before.
    ConstantArrivalRate {
        /// The rate.
        rate: Rate,
        /// How long.
        duration: Duration,
        /// Virtual users that are there from the start (k6: `preAllocatedVUs`).
        vus: u32,
        /// As many as there may ever be (k6: `maxVUs`).
        max_vus: u32,
        /// How they are spread.
        spacing: Spacing,
    },
    /// Iterations begin at a rate that changes in stages.
    RampingArrivalRate {
        /// Arrivals per time unit at first.
        start_rate: u64,
        /// The time unit.
        time_unit: Duration,
        /// Arrivals per time unit to reach, and in how long.
        stages: Vec<Stage>,
        /// Virtual users that are there from the start.
        vus: u32,
        /// As many as there may ever be.
        max_vus: u32,
        /// How they are spread.
        spacing: Spacing,
    },
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
    Executor::ConstantVus { vus, duration }.into()
}

/// Virtual users in stages, each a time and the number to reach in it, from 1.
pub fn ramping_vus(to: &[(Duration, u32)]) -> LoadProfile {
    Executor::RampingVus { start_vus: 1, stages: stages(to), graceful_ramp_down: GRACEFUL_STOP }.into()
}

/// `iterations` shared by `vus` virtual users, for 10 minutes at most.
pub fn shared_iterations(vus: u32, iterations: u64) -> LoadProfile {
    Executor::SharedIterations { vus, iterations, max_duration: MAX_DURATION }.into()
}

/// `iterations` for each of `vus` virtual users, for 10 minutes at most.
pub fn per_vu_iterations(vus: u32, iterations: u64) -> LoadProfile {
    Executor::PerVuIterations { vus, iterations, max_duration: MAX_DURATION }.into()
}

/// `count` iterations begin in each `per`, for `duration`, run by `vus` virtual users.
pub fn constant_arrival_rate(count: u64, per: Duration, duration: Duration, vus: u32) -> LoadProfile {
    let (rate, spacing) = (Rate { count, per }, Spacing::Even);
    Executor::ConstantArrivalRate { rate, duration, vus, max_vus: vus, spacing }.into()
}

/// Iterations begin at a rate that goes from `start_rate` a second through stages, each a time and the rate to reach in
/// it, run by `vus` virtual users.
pub fn ramping_arrival_rate(start_rate: u64, to: &[(Duration, u32)], vus: u32) -> LoadProfile {
    let (time_unit, spacing) = (Duration::from_secs(1), Spacing::Even);
    Executor::RampingArrivalRate { start_rate, time_unit, stages: stages(to), vus, max_vus: vus, spacing }.into()
}

/// A load that cannot be planned.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LoadError {
    /// Too few or too many.
    #[error("{0} VUs: there must be 1 to {MAX_VUS}")]
    Vus(u64),
    /// k6's least duration is a second.
    #[error("a load of {0:?} is too short: it must last a second at least")]
    Duration(Duration),
    /// k6 refuses this too.
    #[error("{iterations} iterations cannot be shared by {vus} VUs: each VU needs at least one")]
    FewerIterationsThanVus {
        /// How many iterations.
        iterations: u64,
        /// Among how many VUs.
        vus: u32,
    },
    /// Nothing would ever begin.
    #[error("this load never begins an iteration: {0}")]
    Nothing(&'static str),
    /// More than anyone waits for.
    #[error("{0} arrivals are too many: at most {MAX_ARRIVALS}")]
    TooMany(u64),
    /// `maxVUs` is a limit.
    #[error("at most {max_vus} VUs cannot be, with {vus} from the start")]
    MaxVus {
        /// From the start.
        vus: u32,
        /// At most.
        max_vus: u32,
    },
    /// A warm-up is part of the load.
    #[error("a warm-up of {warm_up:?} leaves nothing to judge of a load of {whole:?}")]
    WarmUp {
        /// How long warm-up is.
        warm_up: Duration,
        /// How long all is.
        whole: Duration,
    },
    /// A number of VUs says nothing of a ramp.
    #[error(
        "the scenario's VUs change in stages, and a number of them alone does not say how: give --stage or --duration"
    )]
    VusOfStages,
}

impl LoadProfile {
    /// How long it lasts, graceful stop not included.
    pub fn duration(&self) -> Duration {
        match &self.executor {
            Executor::ConstantVus { duration, .. } | Executor::ConstantArrivalRate { duration, .. } => *duration,
            Executor::SharedIterations { max_duration, .. } | Executor::PerVuIterations { max_duration, .. } => {
                *max_duration
            }
            Executor::RampingVus { stages, .. } | Executor::RampingArrivalRate { stages, .. } => {
                stages.iter().map(|stage| stage.duration).sum()
            }
        }
    }

    /// Plans it: as part `name` of a run, whose virtual users are numbered from `first_id`.
    ///
    /// # Errors
    /// If the numbers make no sense.
    pub fn plan(&self, name: &str, first_id: u32, seed: u64) -> Result<PartPlan, LoadError> {
        self.check()?;
        let (start, graceful_stop) = (self.start_time, self.graceful_stop);
        let end = start + self.duration();
        let constant = |vus| vus::constant(vus, first_id, start, end, graceful_stop);
        let schedule = match &self.executor {
            Executor::ConstantVus { vus, .. } => {
                Schedule::Vus { vus: constant(*vus), iterations: Iterations::UntilStop }
            }
            Executor::SharedIterations { vus, iterations, .. } => {
                Schedule::Vus { vus: constant(*vus), iterations: Iterations::Shared(*iterations) }
            }
            Executor::PerVuIterations { vus, iterations, .. } => {
                Schedule::Vus { vus: constant(*vus), iterations: Iterations::Each(*iterations) }
            }
            Executor::RampingVus { start_vus, stages, graceful_ramp_down } => {
                let graceful = (*graceful_ramp_down, graceful_stop);
                let vus = vus::ramping(*start_vus, stages, first_id, start, graceful);
                Schedule::Vus { vus, iterations: Iterations::UntilStop }
            }
            Executor::ConstantArrivalRate { rate, duration, vus, max_vus, spacing } => {
                let whole = [Stage { duration: *duration, target: rate.count }];
                let arrivals = Arrivals::new(start, rate.count, rate.per, &whole, (*spacing, seed, first_id.into()));
                Schedule::Arrivals { arrivals: Arc::new(arrivals), vus: *vus, max_vus: *max_vus }
            }
            Executor::RampingArrivalRate { start_rate, time_unit, stages, vus, max_vus, spacing } => {
                let arrivals = Arrivals::new(start, *start_rate, *time_unit, stages, (*spacing, seed, first_id.into()));
                Schedule::Arrivals { arrivals: Arc::new(arrivals), vus: *vus, max_vus: *max_vus }
            }
        };
        match &schedule {
            Schedule::Arrivals { arrivals, .. } if arrivals.total() == 0 => {
                return Err(LoadError::Nothing("its rate is 0"));
            }
            Schedule::Arrivals { arrivals, .. } if arrivals.total() > MAX_ARRIVALS => {
                return Err(LoadError::TooMany(arrivals.total()));
            }
            _ => {}
        }
        let phases = PhasePlan::new(start, self.warm_up, &self.own_phases());
        let min_iteration = self.min_iteration_duration;
        Ok(PartPlan { name: name.to_owned(), first_id, start, end, graceful_stop, min_iteration, schedule, phases })
    }

    /// Steady and ramp, from its own beginning.
    fn own_phases(&self) -> Vec<(Duration, Phase)> {
        let (mut at, stages) = match &self.executor {
            Executor::RampingVus { start_vus, stages, .. } => (u64::from(*start_vus), stages),
            Executor::RampingArrivalRate { start_rate, stages, .. } => (*start_rate, stages),
            _ => return vec![(Duration::ZERO, Phase::Steady)],
        };
        let (mut phases, mut now) = (Vec::new(), Duration::ZERO);
        for stage in stages.iter() {
            if !stage.duration.is_zero() {
                phases.push((now, if stage.target == at { Phase::Steady } else { Phase::Ramp }));
            }
            (at, now) = (stage.target, now + stage.duration);
        }
        phases
    }

    fn check(&self) -> Result<(), LoadError> {
        let vus_in_range =
            |vus: u64| if (1..=MAX_VUS.into()).contains(&vus) { Ok(()) } else { Err(LoadError::Vus(vus)) };
        match &self.executor {
            Executor::ConstantVus { vus, .. } | Executor::PerVuIterations { vus, iterations: 1.., .. } => {
                vus_in_range((*vus).into())?;
            }
            Executor::PerVuIterations { .. } => return Err(LoadError::Nothing("it has 0 iterations")),
            Executor::SharedIterations { vus, iterations, .. } => {
                vus_in_range((*vus).into())?;
                if *iterations < u64::from(*vus) {
                    return Err(LoadError::FewerIterationsThanVus { iterations: *iterations, vus: *vus });
                }
            }
            Executor::RampingVus { start_vus, stages, .. } => {
                let most = stages.iter().map(|stage| stage.target).chain([(*start_vus).into()]).max().unwrap_or(0);
                vus_in_range(most)?;
            }
            Executor::ConstantArrivalRate { vus, max_vus, .. } | Executor::RampingArrivalRate { vus, max_vus, .. } => {
                vus_in_range((*max_vus).into())?;
                if vus > max_vus {
                    return Err(LoadError::MaxVus { vus: *vus, max_vus: *max_vus });
                }
            }
        }
        if let Executor::RampingArrivalRate { time_unit: Duration::ZERO, .. } = self.executor {
            return Err(LoadError::Nothing("its time unit is 0"));
        }
        if let Executor::ConstantArrivalRate { rate: Rate { per: Duration::ZERO, .. }, .. } = self.executor {
            return Err(LoadError::Nothing("its time unit is 0"));
        }
        let whole = self.duration();
        if whole < Duration::from_secs(1) {
            return Err(LoadError::Duration(whole));
        }
        let warm_up = self.warm_up;
        if warm_up >= whole { Err(LoadError::WarmUp { warm_up, whole }) } else { Ok(()) }
    }
}

impl fmt::Display for LoadProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = run::shown_duration;
        let by =
            |vus: u32, max_vus: u32| if vus == max_vus { count(vus) } else { format!("{vus} to {}", count(max_vus)) };
        let spread = |spacing| if spacing == Spacing::Poisson { " (Poisson)" } else { "" };
        match &self.executor {
            Executor::ConstantVus { vus, duration } => write!(f, "{} for {}", count(*vus), shown(*duration)),
            Executor::SharedIterations { vus, iterations, max_duration } => {
                write!(f, "{iterations} iterations by {}, within {}", count(*vus), shown(*max_duration))
            }
            Executor::PerVuIterations { vus, iterations, max_duration } => {
                let each = if *iterations == 1 { "iteration" } else { "iterations" };
                write!(f, "{iterations} {each} by each of {}, within {}", count(*vus), shown(*max_duration))
            }
            Executor::RampingVus { start_vus, stages, .. } => {
                write!(f, "{}, then {}", count(*start_vus), run::shown_stages(stages))
            }
            Executor::ConstantArrivalRate { rate, duration, vus, max_vus, spacing } => {
                write!(f, "{rate}{} for {}, by {}", spread(*spacing), shown(*duration), by(*vus, *max_vus))
            }
            Executor::RampingArrivalRate { start_rate, time_unit, stages, vus, max_vus, spacing } => {
                let rate = Rate { count: *start_rate, per: *time_unit };
                let (stages, spread) = (run::shown_stages(stages), spread(*spacing));
                write!(f, "{rate}{spread}, then {stages}, by {}", by(*vus, *max_vus))
            }
        }?;
        if !self.start_time.is_zero() {
            write!(f, ", after {}", shown(self.start_time))?;
        }
        if !self.warm_up.is_zero() {
            write!(f, ", the first {} of it warm-up", shown(self.warm_up))?;
        }
        Ok(())
    }
}

fn count(vus: u32) -> String {
    format!("{vus} VU{}", if vus == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
