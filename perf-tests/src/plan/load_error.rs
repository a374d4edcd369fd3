//! Errors of loads that cannot be planned.

use std::time::Duration;

use perf_settings::MAX_VUS;

/// Limit on arrivals of a plan, which is traversed arrival by arrival. At 10,000 arrivals per
/// second it lasts more than two days.
pub(super) const MAX_ARRIVALS: u64 = 2_000_000_000;

/// A load that cannot be planned.
///
/// ```
/// # use perf_tests::plan::LoadError;
/// # use perf_tests::shared_iterations;
/// let error = shared_iterations(10, 5).plan("few", 1, 7);
/// assert_eq!(error, Err(LoadError::FewerIterationsThanVus { iterations: 5, vus: 10 }));
/// ```
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LoadError {
    /// The number of virtual users is out of range.
    #[error("{0} VUs are out of range: use 1 to {MAX_VUS}")]
    Vus(u64),
    /// The load is shorter than 1 s, k6's minimum.
    #[error("a load of {0:?} is too short: it must last at least 1s")]
    Duration(Duration),
    /// Fewer iterations than virtual users, which k6 rejects too.
    #[error("{iterations} iterations cannot be shared by {vus} VUs: use fewer VUs or more iterations")]
    FewerIterationsThanVus {
        /// Number of iterations.
        iterations: u64,
        /// Number of virtual users.
        vus: u32,
    },
    /// The load starts no iteration: why.
    #[error("this load starts no iteration: {0}")]
    Nothing(&'static str),
    /// More arrivals than the limit.
    #[error("{0} arrivals are too many: the limit is {MAX_ARRIVALS}")]
    TooMany(u64),
    /// The maximum number of virtual users is less than the initial number.
    #[error("max VUs ({max_vus}) is less than the initial VUs ({vus}): raise .max_vus()")]
    MaxVus {
        /// Initial number of virtual users.
        vus: u32,
        /// Maximum number of virtual users.
        max_vus: u32,
    },
    /// The warm-up is as long as the load, or longer.
    #[error("a warm-up of {warm_up:?} leaves nothing to judge in a load of {whole:?}: make it shorter")]
    WarmUp {
        /// Length of the warm-up.
        warm_up: Duration,
        /// Length of the load.
        whole: Duration,
    },
    /// A number of virtual users was given for a load whose virtual users change in stages.
    #[error("the scenario's VUs change in stages, so a number of VUs alone is ambiguous: give stages or a duration")]
    VusOfStages,
    /// A rate or stages were given for several loads.
    #[error("a rate and stages describe one load, and the scenario has several parts: choose one of them")]
    OneOfSeveral,
}
