//! `constant-vus`: a fixed number of virtual users iterate for a fixed time.

use std::time::Duration;

use perf_settings::shown_duration;
use serde::{Deserialize, Serialize};

use super::{ExecutorRules, IterationLimit, LoadError, PartPlacement, Schedule, check_vus, describe_vus};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConstantVus {
    pub(crate) vus: u32,
    pub(crate) duration: Duration,
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
