//! k6's executors, under k6's names: which virtual users run iterations, and when.
//! Each has a file of the same name.

mod constant_arrival_rate;
mod constant_vus;
mod per_vu_iterations;
mod ramping_arrival_rate;
mod ramping_vus;
mod shared_iterations;

use std::sync::Arc;
use std::time::Duration;

use monitoring::phase::Phase;
use perf_report::format::noun_for;
use perf_settings::{MAX_VUS, Rate, Stage};
use serde::{Deserialize, Serialize};

use super::arrivals::{Arrivals, SeededSpacing, Spacing};
use super::load_error::{LoadError, MAX_ARRIVALS};
use super::{ActiveSpan, IterationLimit, Schedule, VuPlan};

pub(crate) use constant_arrival_rate::ConstantArrivalRate;
pub(crate) use constant_vus::ConstantVus;
pub(crate) use per_vu_iterations::PerVuIterations;
pub(crate) use ramping_arrival_rate::RampingArrivalRate;
pub(crate) use ramping_vus::RampingVus;
pub(crate) use shared_iterations::SharedIterations;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "executor", rename_all = "kebab-case")]
pub(crate) enum Executor {
    ConstantVus(ConstantVus),
    RampingVus(RampingVus),
    SharedIterations(SharedIterations),
    PerVuIterations(PerVuIterations),
    ConstantArrivalRate(ConstantArrivalRate),
    RampingArrivalRate(RampingArrivalRate),
}

pub(super) trait ExecutorRules {
    fn check(&self) -> Result<(), LoadError>;

    /// Duration of the load, without the graceful stop.
    fn duration(&self) -> Duration;

    fn schedule(&self, place: &PartPlacement) -> Result<Schedule, LoadError>;

    /// Phases, from the start of the load.
    fn phases(&self) -> Vec<(Duration, Phase)> {
        vec![(Duration::ZERO, Phase::Steady)]
    }

    /// The load in words, such as "10 VUs for 30s".
    fn describe(&self) -> String;
}

/// The place of a load in its run. Times are from the start of the run.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartPlacement {
    pub(super) start: Duration,
    pub(super) end: Duration,
    pub(super) graceful_stop: Duration,
    pub(super) first_id: u32,
    pub(super) seed: u64,
}

impl Executor {
    pub(super) fn rules(&self) -> &dyn ExecutorRules {
        match self {
            Self::ConstantVus(executor) => executor,
            Self::RampingVus(executor) => executor,
            Self::SharedIterations(executor) => executor,
            Self::PerVuIterations(executor) => executor,
            Self::ConstantArrivalRate(executor) => executor,
            Self::RampingArrivalRate(executor) => executor,
        }
    }
}

impl PartPlacement {
    fn constant_vus(&self, vus: u32, iterations: IterationLimit) -> Schedule {
        let span = ActiveSpan { start: self.start, stop: self.end, cut: self.end + self.graceful_stop };
        let vus = (0..vus).map(|vu| VuPlan { id: self.first_id + vu, spans: vec![span] });
        Schedule::Vus { vus: vus.collect(), iterations }
    }

    fn arrivals(&self, start: Rate, stages: &[Stage], spacing: Spacing) -> Result<Arc<Arrivals>, LoadError> {
        let spacing = SeededSpacing { spacing, seed: self.seed, stream: self.first_id.into() };
        let arrivals = Arrivals::new(self.start, start, stages, spacing);
        match arrivals.total() {
            0 => Err(LoadError::Nothing("its rate is 0")),
            1..=MAX_ARRIVALS => Ok(Arc::new(arrivals)),
            total => Err(LoadError::TooMany(total)),
        }
    }
}

fn check_vus(vus: u64) -> Result<(), LoadError> {
    if (1..=MAX_VUS.into()).contains(&vus) { Ok(()) } else { Err(LoadError::Vus(vus)) }
}

fn check_arrivals(vus: u32, max_vus: u32, unit: Duration) -> Result<(), LoadError> {
    check_vus(max_vus.into())?;
    if vus > max_vus {
        return Err(LoadError::MaxVus { vus, max_vus });
    }
    if unit.is_zero() { Err(LoadError::Nothing("its time unit is 0")) } else { Ok(()) }
}

/// Phases of a number that changes in stages: steady where it stays, ramp where it changes.
fn phases_of_stages(start: u64, stages: &[Stage]) -> Vec<(Duration, Phase)> {
    let (mut at, mut phases, mut now) = (start, Vec::new(), Duration::ZERO);
    for stage in stages {
        if !stage.duration.is_zero() {
            phases.push((now, if stage.target == at { Phase::Steady } else { Phase::Ramp }));
        }
        (at, now) = (stage.target, now + stage.duration);
    }
    phases
}

fn describe_vus(vus: u32) -> String {
    format!("{vus} {}", noun_for(vus.into(), "VU"))
}

fn describe_vu_range(vus: u32, max_vus: u32) -> String {
    if vus == max_vus { describe_vus(vus) } else { format!("{vus} to {}", describe_vus(max_vus)) }
}

fn describe_spacing(spacing: Spacing) -> &'static str {
    if spacing == Spacing::Poisson { " (Poisson)" } else { "" }
}
