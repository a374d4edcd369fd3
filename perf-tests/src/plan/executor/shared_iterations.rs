//! `shared-iterations`: a total number of iterations. A virtual user that is free takes the next
//! one.

use std::time::Duration;

use perf_report::format::noun_for;
use perf_settings::shown_duration;
use serde::{Deserialize, Serialize};

use super::{ExecutorRules, IterationLimit, LoadError, PartPlacement, Schedule, check_vus, describe_vus};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SharedIterations {
    pub(crate) vus: u32,
    pub(crate) iterations: u64,
    /// No iteration begins later than this, from the start of the load.
    pub(crate) max_duration: Duration,
}

impl ExecutorRules for SharedIterations {
    fn check(&self) -> Result<(), LoadError> {
        let Self { vus, iterations, .. } = *self;
        check_vus(vus.into())?;
        if iterations < vus.into() { Err(LoadError::FewerIterationsThanVus { iterations, vus }) } else { Ok(()) }
    }

    fn duration(&self) -> Duration {
        self.max_duration
    }

    fn schedule(&self, place: &PartPlacement) -> Result<Schedule, LoadError> {
        Ok(place.constant_vus(self.vus, IterationLimit::Shared(self.iterations)))
    }

    fn describe(&self) -> String {
        let (vus, within) = (describe_vus(self.vus), shown_duration(self.max_duration));
        let iterations = noun_for(self.iterations, "iteration");
        format!("{} {iterations} by {vus}, within {within}", self.iterations)
    }
}
