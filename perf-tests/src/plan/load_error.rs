//! Why a load cannot be planned.

use std::time::Duration;

use perf_settings::MAX_VUS;

/// A plan is gone through arrival by arrival; more than these are weeks of the fastest load.
pub(super) const MAX_ARRIVALS: u64 = 2_000_000_000;

/// A load that cannot be planned.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LoadError {
    /// Too few or too many.
    #[error("{0} VUs: there must be 1 to {MAX_VUS}")]
    Vus(u64),
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
    /// Nothing would ever begin.
    #[error("this load never begins an iteration: {0}")]
    Nothing(&'static str),
    /// More than anyone waits for.
    #[error("{0} arrivals are too many: at most {MAX_ARRIVALS}")]
    TooMany(u64),
    /// `maxVUs` is a limit.
    #[error("at most {max_vus} VUs cannot be, with {vus} from the start")]
    MaxVus {
        /// From the start.
        vus: u32,
        /// At most.
        max_vus: u32,
    },
    /// A warm-up is part of the load.
    #[error("a warm-up of {warm_up:?} leaves nothing to judge of a load of {whole:?}")]
    WarmUp {
        /// How long warm-up is.
        warm_up: Duration,
        /// How long all is.
        whole: Duration,
    },
    /// A number of VUs says nothing of a ramp.
    #[error(
        "the scenario's VUs change in stages, and a number of them alone does not say how: give --stage or --duration"
    )]
    VusOfStages,
}
