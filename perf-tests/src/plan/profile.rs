//! Load profiles: what a scenario asks for, and what a command line makes of it.

use std::fmt;
use std::time::Duration;

use monitoring::run::{self, LoadOverride, MAX_VUS};

use super::{GRACEFUL_STOP, Plan, VuPlan};

/// k6's `maxDuration` of shared iterations.
const MAX_DURATION: Duration = Duration::from_secs(600);

/// A load, by k6's executors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadProfile {
    /// So many VUs, each iterating for so long. Closed: a VU waits for its answers.
    ConstantVus {
        /// How many.
        vus: u32,
        /// How long.
        duration: Duration,
    },
    /// So many iterations in all, shared by so many VUs: whoever is free takes the next.
    SharedIterations {
        /// How many VUs.
        vus: u32,
        /// How many iterations.
        iterations: u64,
        /// No iteration begins later than this.
        max_duration: Duration,
    },
}

/// `vus` virtual users for `duration`.
pub const fn constant_vus(vus: u32, duration: Duration) -> LoadProfile {
    LoadProfile::ConstantVus { vus, duration }
}

/// `iterations` shared by `vus` virtual users, for 10 minutes at most.
pub const fn shared_iterations(vus: u32, iterations: u64) -> LoadProfile {
    LoadProfile::SharedIterations { vus, iterations, max_duration: MAX_DURATION }
}

/// A load that cannot be planned.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LoadError {
    /// Too few or too many.
    #[error("{0} VUs: there must be 1 to {MAX_VUS}")]
    Vus(u32),
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
}

impl LoadProfile {
    /// The load with what the command line says of it. A duration or a number of iterations replaces it whole, and
    /// then `vus` is k6's default of 1 if not given; `vus` alone changes only the VUs.
    #[must_use]
    pub fn overridden(self, by: LoadOverride) -> Self {
        let vus = by.vus.unwrap_or(1);
        match (by.iterations, by.duration, by.vus) {
            (Some(iterations), duration, _) => {
                Self::SharedIterations { vus, iterations, max_duration: duration.unwrap_or(MAX_DURATION) }
            }
            (None, Some(duration), _) => Self::ConstantVus { vus, duration },
            (None, None, Some(vus)) => self.with_vus(vus),
            (None, None, None) => self,
        }
    }

    const fn with_vus(self, vus: u32) -> Self {
        match self {
            Self::ConstantVus { duration, .. } => Self::ConstantVus { vus, duration },
            Self::SharedIterations { iterations, max_duration, .. } => {
                Self::SharedIterations { vus, iterations, max_duration }
            }
        }
    }

    /// When each VU starts and stops.
    ///
    /// # Errors
    /// If the numbers make no sense.
    pub fn plan(&self, seed: u64) -> Result<Plan, LoadError> {
        let (vus, duration, shared_iterations) = match *self {
            Self::ConstantVus { vus, duration } => (vus, duration, None),
            Self::SharedIterations { vus, iterations, max_duration } => {
                if iterations < u64::from(vus) {
                    return Err(LoadError::FewerIterationsThanVus { iterations, vus });
                }
                (vus, max_duration, Some(iterations))
            }
        };
        if !(1..=MAX_VUS).contains(&vus) {
            return Err(LoadError::Vus(vus));
        }
        if duration < Duration::from_secs(1) {
            return Err(LoadError::Duration(duration));
        }
        let vus = (1..=vus).map(|id| VuPlan { id, start: Duration::ZERO, stop: duration }).collect();
        Ok(Plan { vus, shared_iterations, duration, graceful_stop: GRACEFUL_STOP, seed })
    }
}

impl fmt::Display for LoadProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ConstantVus { vus, duration } => write!(f, "{} for {}", count(vus), run::shown_duration(duration)),
            Self::SharedIterations { vus, iterations, max_duration } => {
                let within = run::shown_duration(max_duration);
                write!(f, "{iterations} iterations by {}, within {within}", count(vus))
            }
        }
    }
}

fn count(vus: u32) -> String {
    format!("{vus} VU{}", if vus == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASIC: LoadProfile = constant_vus(10, Duration::from_secs(30));

    fn by(vus: Option<u32>, secs: Option<u64>, iterations: Option<u64>) -> LoadProfile {
        BASIC.overridden(LoadOverride { vus, duration: secs.map(Duration::from_secs), iterations })
    }

    #[test]
    fn a_command_line_replaces_the_whole_load_or_only_its_vus() {
        assert_eq!(by(None, None, None), BASIC);
        assert_eq!(by(Some(3), None, None), constant_vus(3, Duration::from_secs(30)));
        assert_eq!(by(None, Some(5), None), constant_vus(1, Duration::from_secs(5)));
        assert_eq!(by(Some(2), None, Some(8)), shared_iterations(2, 8));
        let capped = LoadProfile::SharedIterations { vus: 1, iterations: 8, max_duration: Duration::from_secs(5) };
        assert_eq!(by(None, Some(5), Some(8)), capped);
        assert_eq!(
            shared_iterations(2, 8).overridden(LoadOverride { vus: Some(4), ..Default::default() }),
            shared_iterations(4, 8)
        );
    }

    #[test]
    fn all_vus_start_at_once_and_stop_together() {
        let plan = BASIC.plan(7).unwrap();
        assert_eq!(plan.vus.iter().map(|vu| vu.id).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
        assert!(plan.vus.iter().all(|vu| vu.start.is_zero() && vu.stop == Duration::from_secs(30)));
        assert_eq!(plan, BASIC.plan(7).unwrap());
    }

    #[test]
    fn every_vu_goes_to_one_worker() {
        let plan = BASIC.plan(7).unwrap();
        for workers in [1, 3, 10, 64] {
            let mut ids: Vec<_> = plan.split(workers).into_iter().flatten().map(|vu| vu.id).collect();
            ids.sort_unstable();
            assert_eq!(ids, (1..=10).collect::<Vec<_>>());
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(constant_vus(0, Duration::from_secs(1)).plan(1), Err(LoadError::Vus(0)));
        assert!(constant_vus(1, Duration::from_millis(999)).plan(1).is_err());
        assert!(shared_iterations(3, 2).plan(1).is_err());
    }

    #[test]
    fn loads_read_as_sentences() {
        assert_eq!(BASIC.to_string(), "10 VUs for 30s");
        assert_eq!(constant_vus(1, Duration::from_millis(1_500)).to_string(), "1 VU for 1s500ms");
        assert_eq!(shared_iterations(1, 5).to_string(), "5 iterations by 1 VU, within 10m");
    }
}
