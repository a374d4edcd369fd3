//! Promises on the backend's own metrics: what it uses, rather than how long it takes. Unlike those on requests, they
//! compare a measured value, as Prometheus scraped it, with a bound.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::promql::{Expr, Op, Window};
use crate::ratio::{Ratio, decimal};
use crate::slo::OnMiss;
use crate::stack_limits::SCRAPE_INTERVAL;

/// A run of which a scrape more or less is a good part.
const SHORT: Duration = Duration::from_secs(60);

/// A promise on a value that PromQL gives, over a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendSlo {
    /// Lower-case words joined by underscores: "memory".
    pub name: &'static str,
    /// What people call it, on panels.
    pub title: &'static str,
    /// PromQL that has a value at each time. Of several series, the one that is worst for the promise counts.
    pub expr: &'static str,
    /// Which of a run's values counts.
    pub over: Over,
    /// What it must not pass.
    pub bound: Bound,
    /// What a miss means.
    pub on_miss: OnMiss,
}

/// Which of the values that there are in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The worst for the promise: the largest, or the smallest.
    Worst,
    /// The mean of all.
    Mean,
}

/// What a value must not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// As much as that, and no more.
    AtMost(Amount),
    /// As much as that, or more.
    AtLeast(Amount),
}

/// An amount of something, in whole units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// So many.
    Count(u64),
    /// A share, which the expression gives as 0 to 1.
    Share(Ratio),
    /// Mebibytes, which the expression gives as bytes.
    Mebibytes(u64),
    /// A time, which the expression gives in seconds.
    Time(Duration),
}

/// What a value is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// A number of things.
    Count,
    /// From 0 to 1.
    Share,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
}

impl Measure {
    /// A value in words: "92.1 MiB", "37.5 %".
    pub fn describe(self, value: f64) -> String {
        const MEBIBYTE: f64 = 1_048_576.0;
        match self {
            Self::Count => format!("{value:.1}"),
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::Bytes => format!("{:.1} MiB", value / MEBIBYTE),
            Self::Seconds => format!("{:.1} ms", value * 1e3),
        }
    }
}

impl Amount {
    /// What it is measured in.
    pub const fn measure(self) -> Measure {
        match self {
            Self::Count(_) => Measure::Count,
            Self::Share(_) => Measure::Share,
            Self::Mebibytes(_) => Measure::Bytes,
            Self::Time(_) => Measure::Seconds,
        }
    }

    /// The number that the expression's values are compared with.
    pub fn value(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "exact for any amount a backend can have")]
        match self {
            Self::Count(count) => count as f64,
            Self::Share(share) => f64::from(share.as_ppm()) / f64::from(Ratio::WHOLE),
            Self::Mebibytes(count) => (count << 20) as f64,
            Self::Time(time) => time.as_secs_f64(),
        }
    }

    fn as_expr(self) -> Expr {
        match self {
            Self::Count(count) => Expr::Integer(count),
            Self::Share(share) => Expr::Share(share),
            Self::Mebibytes(count) => Expr::Integer(count << 20),
            Self::Time(time) => Expr::Decimal(decimal(time.as_nanos(), 9)),
        }
    }

    fn describe(self) -> String {
        match self {
            Self::Count(count) => count.to_string(),
            Self::Share(share) => format!("{} %", share.as_percent()),
            Self::Mebibytes(count) => format!("{count} MiB"),
            Self::Time(time) => format!("{} ms", crate::ratio::millis(time)),
        }
    }
}

impl BackendSlo {
    /// The value never passes an amount from below.
    pub const fn at_most(name: &'static str, title: &'static str, expr: &'static str, amount: Amount) -> Self {
        Self { name, title, expr, over: Over::Worst, bound: Bound::AtMost(amount), on_miss: OnMiss::Fail }
    }

    /// The value never passes an amount from above.
    pub const fn at_least(name: &'static str, title: &'static str, expr: &'static str, amount: Amount) -> Self {
        Self { name, title, expr, over: Over::Worst, bound: Bound::AtLeast(amount), on_miss: OnMiss::Fail }
    }

    /// The same promise on the mean over the run: for what may peak.
    #[must_use]
    pub const fn on_average(mut self) -> Self {
        self.over = Over::Mean;
        self
    }

    /// The same promise, reported but not gating.
    #[must_use]
    pub const fn warn(mut self) -> Self {
        self.on_miss = OnMiss::Warn;
        self
    }

    /// The objective's name in reports.
    pub fn id(&self) -> String {
        format!("backend:{}", self.name)
    }

    /// The bound's amount.
    pub const fn amount(&self) -> Amount {
        match self.bound {
            Bound::AtMost(amount) | Bound::AtLeast(amount) => amount,
        }
    }

    /// The promise in a few words: "memory <= 512 MiB".
    pub fn describe(&self) -> String {
        let sign = match self.bound {
            Bound::AtMost(_) => "<=",
            Bound::AtLeast(_) => ">=",
        };
        let mean = if self.over == Over::Mean { "mean " } else { "" };
        format!("{mean}{} {sign} {}", self.name, self.amount().describe())
    }

    /// Whether a value keeps the promise; what is no number keeps none.
    pub fn holds(&self, value: f64) -> bool {
        match self.bound {
            Bound::AtMost(amount) => value <= amount.value(),
            Bound::AtLeast(amount) => value >= amount.value(),
        }
    }

    /// The value at a time: one, whatever the number of series.
    pub fn now(&self) -> Expr {
        let worst = match (self.over, self.bound) {
            (Over::Mean, _) => "avg",
            (Over::Worst, Bound::AtMost(_)) => "max",
            (Over::Worst, Bound::AtLeast(_)) => "min",
        };
        Expr::Aggregate(worst, Vec::new(), Box::new(Expr::Verbatim(self.expr)))
    }

    /// The value that counts, of all that there were in so long.
    pub fn over_run(&self, lasted: Duration) -> Expr {
        let function = match (self.over, self.bound) {
            (Over::Mean, _) => "avg_over_time",
            (Over::Worst, Bound::AtMost(_)) => "max_over_time",
            (Over::Worst, Bound::AtLeast(_)) => "min_over_time",
        };
        // Steps are at whole multiples of their width: wide ones miss what a short run has scraped after the last of them.
        let step = if lasted < SHORT { Duration::from_secs(1) } else { SCRAPE_INTERVAL };
        Expr::Call(function, vec![Expr::Subquery(Box::new(self.now()), Window::Fixed(lasted), step)])
    }

    /// 1 where the promise is kept at a time, else 0.
    pub fn is_kept(&self) -> Expr {
        let op = match self.bound {
            Bound::AtMost(_) => Op::IsAtMost,
            Bound::AtLeast(_) => Op::IsAtLeast,
        };
        Expr::Binary(Box::new(self.now()), op, Box::new(self.amount().as_expr()))
    }

    pub(crate) fn is_vacuous(&self) -> bool {
        self.expr.trim().is_empty() || self.title.is_empty() || self.amount().value() <= 0.0
    }
}

/// A cache of the backend's, told by two counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cache {
    /// What people call it.
    pub name: &'static str,
    /// PromQL of a counter of look-ups that found something.
    pub hits: &'static str,
    /// PromQL of a counter of look-ups that did not.
    pub misses: &'static str,
}

impl Cache {
    /// Look-ups that found something, and all, in so long.
    pub fn hits_and_all(&self, lasted: Duration) -> (Expr, Expr) {
        let grown = |counter| Expr::Call("increase", vec![Expr::Over(counter, Window::Fixed(lasted))]).sum();
        (grown(self.hits), grown(self.hits).plus(grown(self.misses)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: BackendSlo =
        BackendSlo::at_most("pool", "Pool", "pool_used / pool_size", Amount::Share(Ratio::percent(90)));

    #[test]
    fn a_promise_asks_for_the_worst_or_the_mean_of_a_run() {
        let run = Duration::from_secs(30);
        assert_eq!(POOL.over_run(run).to_string(), "max_over_time(max((pool_used / pool_size))[30s:1s])");
        assert_eq!(POOL.over_run(run * 2).to_string(), "max_over_time(max((pool_used / pool_size))[1m:5s])");
        assert_eq!(POOL.on_average().describe(), "mean pool <= 90 %");
        assert_eq!(POOL.is_kept().to_string(), "max((pool_used / pool_size)) <= bool 0.9");
        let least = BackendSlo::at_least("free", "Free", "free_bytes", Amount::Mebibytes(2));
        assert_eq!(least.is_kept().to_string(), "min((free_bytes)) >= bool 2097152");
        let cache = Cache { name: "news", hits: "hits_total", misses: "misses_total" };
        assert_eq!(cache.hits_and_all(run).0.to_string(), "sum(increase(hits_total[30s]))");
    }

    #[test]
    fn exactly_the_bound_is_kept_and_what_is_no_number_is_not() {
        assert!(POOL.holds(0.9) && !POOL.holds(0.900_001) && !POOL.holds(f64::NAN));
        let least = BackendSlo::at_least("free", "Free", "free_bytes", Amount::Mebibytes(2));
        assert!(least.holds(2_097_152.0) && !least.holds(2_097_151.0));
    }

    #[test]
    fn amounts_are_read_in_their_units() {
        assert_eq!(Measure::Bytes.describe(96_573_849.6), "92.1 MiB");
        assert_eq!(Measure::Share.describe(0.375), "37.5 %");
        assert_eq!(Measure::Seconds.describe(0.25), "250.0 ms");
        assert_eq!(Amount::Time(Duration::from_millis(250)).describe(), "250 ms");
    }
}
