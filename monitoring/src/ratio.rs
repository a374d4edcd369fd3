//! Shares in parts per million and exact decimals, so that verdicts need no floating point.

use std::fmt;
use std::time::Duration;

/// A share in parts per million, for example the share of requests that must be good.
///
/// ```
/// # use monitoring::ratio::Ratio;
/// assert_eq!(Ratio::percent(95).to_string(), "95 %");
/// assert_eq!(Ratio::ppm(999_000).as_quantile(), "p99.9");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(u32);

impl Ratio {
    /// Parts per million of the whole.
    pub const WHOLE: u32 = 1_000_000;

    /// A share in parts per million.
    pub const fn ppm(ppm: u32) -> Self {
        Self(ppm)
    }

    /// A share in whole percent.
    pub const fn percent(percent: u32) -> Self {
        Self(percent * 10_000)
    }

    /// Parts per million.
    pub const fn as_ppm(self) -> u32 {
        self.0
    }

    /// The share from 0 to 1.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(Self::WHOLE)
    }

    /// The complement: 1 % for 99 %.
    pub const fn rest(self) -> Self {
        Self(Self::WHOLE.saturating_sub(self.0))
    }

    /// The share in percent as the shortest decimal, without the unit: "95", "99.9".
    pub(crate) fn as_percent(self) -> String {
        decimal(u128::from(self.0), 4)
    }

    /// Name of the quantile at this share: "p95", "p99.9".
    pub fn as_quantile(self) -> String {
        format!("p{}", self.as_percent())
    }

    /// The share as a reduced fraction: (19, 20) for 95 %.
    pub const fn as_fraction(self) -> (u32, u32) {
        let (mut a, mut b) = (self.0, Self::WHOLE);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        (self.0 / a, Self::WHOLE / a)
    }
}

/// The share in percent, with its unit: "95 %", "99.9 %".
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.as_percent())
    }
}

/// A duration in milliseconds as the shortest decimal: "300", "0.25". Exact to the nanosecond.
pub fn millis(duration: Duration) -> String {
    decimal(duration.as_nanos(), 6)
}

/// `value / 10^places` as the shortest decimal.
pub(crate) fn decimal(value: u128, places: u32) -> String {
    let scale = 10_u128.pow(places);
    let (whole, rest) = (value / scale, value % scale);
    if rest == 0 {
        return whole.to_string();
    }
    let digits = format!("{rest:0width$}", width = places as usize);
    format!("{whole}.{}", digits.trim_end_matches('0'))
}
