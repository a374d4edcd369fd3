//! `constant-vus`: a fixed number of virtual users iterate for a fixed time.

use std::time::Duration;

use perf_settings::shown_duration;
use serde::{Deserialize, Serialize};

use super::{ExecutorRules, IterationLimit, LoadError, PartPlacement, Schedule, check_vus, describe_vus};

/// Options of `constant-vus`.
///
/// ```
/// # use std::time::Duration;
/// # use perf_tests::plan::LoadProfile;
/// # use perf_tests::plan::executor::{ConstantVus, Executor};
/// let options = ConstantVus { vus: 10, duration: Duration::from_secs(30) };
/// let load = LoadProfile::from(Executor::ConstantVus(options));
/// assert_eq!(load.to_string(), "10 VUs for 30s");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConstantVus {
    /// Number of virtual users.
    pub vus: u32,
    /// Duration of the load.
    pub duration: Duration,
}

impl ExecutorRules for ConstantVus {
    fn check(&self) -> Result<(), LoadError> {
        check_vus(self.vus.into())
    }

    fn duration(&self) -> Duration {
        self.duration
    }

    fn schedule(&self, place: &PartPlacement) -> Result<Schedule, LoadError> {
        Ok(place.constant_vus(self.vus, IterationLimit::UntilStop))
    }

    fn describe(&self) -> String {
        format!("{} for {}", describe_vus(self.vus), shown_duration(self.duration))
    }
}
