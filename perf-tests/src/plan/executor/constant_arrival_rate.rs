//! `constant-arrival-rate`: iterations begin at a constant rate, whether or not earlier ones have
//! ended.

use std::time::Duration;

use perf_settings::{Rate, Stage, shown_duration};
use serde::{Deserialize, Serialize};

use super::{
    ExecutorRules, LoadError, PartPlacement, Schedule, Spacing, check_arrivals, describe_spacing, describe_vu_range,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConstantArrivalRate {
    pub(crate) rate: Rate,
    pub(crate) duration: Duration,
    /// Virtual users that exist from the start (k6: `preAllocatedVUs`).
    pub(crate) vus: u32,
    /// Maximum number of virtual users (k6: `maxVUs`).
    pub(crate) max_vus: u32,
    pub(crate) spacing: Spacing,
}

impl ExecutorRules for ConstantArrivalRate {
    fn check(&self) -> Result<(), LoadError> {
        check_arrivals(self.vus, self.max_vus, self.rate.per)
    }

    fn duration(&self) -> Duration {
        self.duration
    }

    fn schedule(&self, place: &PartPlacement) -> Result<Schedule, LoadError> {
        let whole = [Stage { duration: self.duration, target: self.rate.count }];
        let arrivals = place.arrivals(self.rate, &whole, self.spacing)?;
        Ok(Schedule::Arrivals { arrivals, vus: self.vus, max_vus: self.max_vus })
    }

    fn describe(&self) -> String {
        let (spread, vus) = (describe_spacing(self.spacing), describe_vu_range(self.vus, self.max_vus));
        format!("{}{spread} for {}, by {vus}", self.rate, shown_duration(self.duration))
    }
}
