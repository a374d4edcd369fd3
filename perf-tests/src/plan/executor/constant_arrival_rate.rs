//! `constant-arrival-rate`: iterations begin at a constant rate, whether or not earlier ones have
//! ended.

use std::time::Duration;

use perf_settings::{Rate, Stage, shown_duration};
use serde::{Deserialize, Serialize};

use super::{
    ExecutorRules, LoadError, PartPlacement, Schedule, Spacing, check_arrivals, describe_spacing, describe_vu_range,
};

/// Options of `constant-arrival-rate`.
///
/// ```
/// # use std::time::Duration;
/// # use perf_settings::Rate;
/// # use perf_tests::plan::executor::{ConstantArrivalRate, Executor};
/// # use perf_tests::plan::{LoadProfile, Spacing};
/// let (second, spacing) = (Duration::from_secs(1), Spacing::Poisson);
/// let (rate, duration) = (Rate { count: 40, per: second }, second * 30);
/// let options = ConstantArrivalRate { rate, duration, vus: 20, max_vus: 80, spacing };
/// let plan = LoadProfile::from(Executor::ConstantArrivalRate(options)).plan("polls", 1, 7)?;
/// assert_eq!(plan.iterations(), Some(1200));
/// # Ok::<(), perf_tests::plan::LoadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConstantArrivalRate {
    /// The arrival rate.
    pub rate: Rate,
    /// Duration of the load.
    pub duration: Duration,
    /// Virtual users that exist from the start (k6: `preAllocatedVUs`).
    pub vus: u32,
    /// Maximum number of virtual users (k6: `maxVUs`).
    pub max_vus: u32,
    /// Distribution of arrivals over time.
    pub spacing: Spacing,
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
