//! Think times: the time that a person takes between two clicks.

use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp1, StandardNormal};

use crate::plan::nanos;

/// Maximum think time, which cuts a distribution's tail.
const LONGEST: Duration = Duration::from_secs(3600);

/// A distribution of think times, for [`Vu::think_as`](crate::Vu::think_as). Drawn times are at
/// most an hour.
///
/// ```
/// # use std::time::Duration;
/// # use perf_tests::Think;
/// let second = Duration::from_secs(1);
/// let reading = Think::Lognormal { median: second * 2, p95: second * 8 };
/// let polling = Think::Between(second, second * 2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Think {
    /// Uniform between the two durations.
    Between(Duration, Duration),
    /// Exponential: the times between independent events.
    Exponential {
        /// The mean.
        mean: Duration,
    },
    /// Lognormal, like measured think times of people: half are shorter than the median, and one in
    /// twenty is longer than `p95`.
    Lognormal {
        /// The median.
        median: Duration,
        /// The 95th percentile.
        p95: Duration,
    },
}

impl Think {
    pub(crate) fn draw(self, rng: &mut ChaCha8Rng) -> Duration {
        /// The 95 % point of the standard normal distribution.
        const Z95: f64 = 1.644_853_626_951_472_2;
        let seconds = match self {
            Self::Between(least, most) => {
                let (least, most) = (nanos(least), nanos(most));
                return Duration::from_nanos(rng.random_range(least..=most.max(least)));
            }
            Self::Exponential { mean } => {
                let unit: f64 = Exp1.sample(rng);
                unit * mean.as_secs_f64()
            }
            Self::Lognormal { median, p95 } => {
                let z: f64 = StandardNormal.sample(rng);
                let ratio = p95.as_secs_f64() / median.as_secs_f64().max(f64::MIN_POSITIVE);
                median.as_secs_f64() * libm::exp(z * libm::log(ratio.max(1.0)) / Z95)
            }
        };
        Duration::from_secs_f64(seconds.clamp(0.0, LONGEST.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests;
