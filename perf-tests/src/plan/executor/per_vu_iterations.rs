//! `per-vu-iterations`: a number of iterations for each virtual user.

use std::time::Duration;

use perf_report::format::noun_for;
use perf_settings::shown_duration;
use serde::{Deserialize, Serialize};

use super::{ExecutorRules, IterationLimit, LoadError, PartPlacement, Schedule, check_vus, describe_vus};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PerVuIterations {
    pub(crate) vus: u32,
    pub(crate) iterations: u64,
    /// No iteration begins later than this, from the start of the load.
    pub(crate) max_duration: Duration,
}

impl ExecutorRules for PerVuIterations {
    fn check(&self) -> Result<(), LoadError> {
        match self.iterations {
            0 => Err(LoadError::Nothing("it has 0 iterations")),
            _ => check_vus(self.vus.into()),
        }
    }

    fn duration(&self) -> Duration {
        self.max_duration
    }

    fn schedule(&self, place: &PartPlacement) -> Result<Schedule, LoadError> {
        Ok(place.constant_vus(self.vus, IterationLimit::Each(self.iterations)))
    }

    fn describe(&self) -> String {
        let each = noun_for(self.iterations, "iteration");
        let (vus, within) = (describe_vus(self.vus), shown_duration(self.max_duration));
        format!("{} {each} by each of {vus}, within {within}", self.iterations)
    }
}
