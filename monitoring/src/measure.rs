//! A scenario's own measures, such as the length of a queue: declared in the catalogue, recorded by
//! the scenario.

use std::time::Duration;

/// A quantity that a scenario records besides requests. Its values are whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Measure {
    /// Lower-case words joined by underscores. Its series are `measure_<name>`.
    pub name: &'static str,
    /// Name on panels, such as "Queue length".
    pub title: &'static str,
    /// Summary of its values.
    pub kind: MeasureKind,
}

/// Summary of the values of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MeasureKind {
    /// Percentiles of all values.
    Trend,
    /// Sum of all values.
    Counter,
    /// The last value.
    Gauge,
    /// Share of values that are not zero.
    Rate,
}

/// The number that an objective on a counter or a gauge limits.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// Sum of all values of a counter.
    Count,
    /// Sum of the values of a counter in each second of the judged phases, on average.
    PerSecond,
    /// Last value of a gauge. With several parts, the worst of their values.
    Last,
}

/// Limit of a value. A value equal to the limit is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit<V = u64> {
    /// Upper limit.
    AtMost(V),
    /// Lower limit.
    AtLeast(V),
}

impl Measure {
    /// Percentiles of all values, such as queue lengths.
    ///
    /// ```
    /// # use monitoring::measure::{Measure, MeasureKind};
    /// const QUEUE: Measure = Measure::trend("queue", "Queue length");
    /// assert_eq!(QUEUE.kind, MeasureKind::Trend);
    /// ```
    pub const fn trend(name: &'static str, title: &'static str) -> Self {
        Self { name, title, kind: MeasureKind::Trend }
    }

    /// Sum of all values, such as orders.
    ///
    /// ```
    /// # use monitoring::measure::{Measure, MeasureKind};
    /// const ORDERS: Measure = Measure::counter("orders", "Orders");
    /// assert_eq!(ORDERS.kind, MeasureKind::Counter);
    /// ```
    pub const fn counter(name: &'static str, title: &'static str) -> Self {
        Self { name, title, kind: MeasureKind::Counter }
    }

    /// The last value, such as a number of open rooms.
    ///
    /// ```
    /// # use monitoring::measure::{Measure, MeasureKind};
    /// const ROOMS: Measure = Measure::gauge("rooms", "Open rooms");
    /// assert_eq!(ROOMS.kind, MeasureKind::Gauge);
    /// ```
    pub const fn gauge(name: &'static str, title: &'static str) -> Self {
        Self { name, title, kind: MeasureKind::Gauge }
    }

    /// Share of values that are not zero, such as cache hits.
    ///
    /// ```
    /// # use monitoring::measure::{Measure, MeasureKind};
    /// const CACHE_HIT: Measure = Measure::rate("cache_hit", "Cache hits");
    /// assert_eq!(CACHE_HIT.kind, MeasureKind::Rate);
    /// ```
    pub const fn rate(name: &'static str, title: &'static str) -> Self {
        Self { name, title, kind: MeasureKind::Rate }
    }
}

impl Reading {
    /// The word of k6's thresholds: "count", "rate" or "value".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::PerSecond => "rate",
            Self::Last => "value",
        }
    }

    /// Unit of the limit in texts: "/s" or nothing.
    pub const fn unit(self) -> &'static str {
        if matches!(self, Self::PerSecond) { "/s" } else { "" }
    }
}

impl<V> Limit<V> {
    /// The limit itself.
    pub fn value(self) -> V {
        let (Self::AtMost(limit) | Self::AtLeast(limit)) = self;
        limit
    }

    /// Sign between a good value and the limit.
    pub const fn sign(&self) -> &'static str {
        match self {
            Self::AtMost(_) => "<=",
            Self::AtLeast(_) => ">=",
        }
    }

    /// The same side of another value.
    pub fn map<W>(self, convert: impl FnOnce(V) -> W) -> Limit<W> {
        match self {
            Self::AtMost(limit) => Limit::AtMost(convert(limit)),
            Self::AtLeast(limit) => Limit::AtLeast(convert(limit)),
        }
    }

    /// Whether a value is good. NaN is not.
    pub fn admits(&self, value: &V) -> bool
    where
        V: PartialOrd,
    {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }
}

impl Limit {
    /// Whether a value is good. With a time in milliseconds, it is judged a second, in integers.
    pub fn holds(self, value: u64, judged_ms: Option<u64>) -> bool {
        match judged_ms {
            None => self.admits(&value),
            Some(ms) => self.map(|limit| u128::from(limit) * u128::from(ms)).admits(&(u128::from(value) * 1_000)),
        }
    }
}

/// A value as histograms count it: as milliseconds, so that labels and sums have the plain number.
pub const fn as_duration(value: u64) -> Duration {
    Duration::from_millis(value)
}

/// Upper bounds of trends, ascending: those of charts, which are the same for every catalogue, and
/// the limits of objectives.
pub(crate) fn bounds(limits: impl Iterator<Item = u64>) -> Vec<Duration> {
    let fine = (0..6).flat_map(|power| [1, 2, 5].map(|first| first * 10_u64.pow(power)));
    let mut values: Vec<_> = [0, 1_000_000, 10_000_000, 100_000_000].into_iter().chain(fine).chain(limits).collect();
    values.sort_unstable();
    values.dedup();
    values.into_iter().map(as_duration).collect()
}
