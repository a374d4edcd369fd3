//! `ramping-arrival-rate`: iterations begin at a rate that changes in stages, whether or not
//! earlier ones have ended.

use std::time::Duration;

use monitoring::phase::Phase;
use perf_settings::{Rate, Stage, shown_stages};
use serde::{Deserialize, Serialize};

use super::{
    ExecutorRules, LoadError, PartPlacement, Schedule, Spacing, check_arrivals, describe_spacing, describe_vu_range,
    phases_of_stages,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RampingArrivalRate {
    pub(crate) start_rate: u64,
    pub(crate) time_unit: Duration,
    /// Stages. Each target is a number of arrivals per time unit.
    pub(crate) stages: Vec<Stage>,
    /// Virtual users that exist from the start (k6: `preAllocatedVUs`).
    pub(crate) vus: u32,
    /// Maximum number of virtual users (k6: `maxVUs`).
    pub(crate) max_vus: u32,
    pub(crate) spacing: Spacing,
}

impl RampingArrivalRate {
    const fn start(&self) -> Rate {
        Rate { count: self.start_rate, per: self.time_unit }
    }
}

impl ExecutorRules for RampingArrivalRate {
    fn check(&self) -> Result<(), LoadError> {
        check_arrivals(self.vus, self.max_vus, self.time_unit)
    }

    fn duration(&self) -> Duration {
        self.stages.iter().map(|stage| stage.duration).sum()
    }

    fn schedule(&self, place: &PartPlacement) -> Result<Schedule, LoadError> {
        let arrivals = place.arrivals(self.start(), &self.stages, self.spacing)?;
        Ok(Schedule::Arrivals { arrivals, vus: self.vus, max_vus: self.max_vus })
    }

    fn phases(&self) -> Vec<(Duration, Phase)> {
        phases_of_stages(self.start_rate, &self.stages)
    }

    fn describe(&self) -> String {
        let (spread, vus) = (describe_spacing(self.spacing), describe_vu_range(self.vus, self.max_vus));
        format!("{}{spread}, then {}, by {vus}", self.start(), shown_stages(&self.stages))
    }
}
