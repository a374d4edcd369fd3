//! `per-vu-iterations`: a number of iterations for each virtual user.

use std::time::Duration;

use perf_report::format::noun_for;
use perf_settings::shown_duration;
use serde::{Deserialize, Serialize};

use super::{ExecutorRules, IterationLimit, LoadError, PartPlacement, Schedule, check_vus, describe_vus};

/// Options of `per-vu-iterations`.
///
/// ```
/// # use std::time::Duration;
/// # use perf_tests::plan::LoadProfile;
/// # use perf_tests::plan::executor::{Executor, PerVuIterations};
/// let options = PerVuIterations { vus: 30, iterations: 2, max_duration: Duration::from_secs(60) };
/// let load = LoadProfile::from(Executor::PerVuIterations(options));
/// assert_eq!(load.to_string(), "2 iterations by each of 30 VUs, within 1m");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerVuIterations {
    /// Number of virtual users.
    pub vus: u32,
    /// Iterations of each virtual user.
    pub iterations: u64,
    /// No iteration begins later than this, from the start of the load.
    pub max_duration: Duration,
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
