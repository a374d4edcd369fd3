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
    /// How its values are summed up.
    pub kind: MeasureKind,
}

/// How the values of a measure are summed up.
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

/// Bucket bounds of trends that every catalogue has, for charts.
const LADDER: &[u64] = &[
    0,
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

impl Measure {
    /// Percentiles of all values, such as queue lengths.
    pub const fn trend(name: &'static str, title: &'static str) -> Self {
        Self { name, title, kind: MeasureKind::Trend }
    }

    /// Sum of all values, such as orders.
    pub const fn counter(name: &'static str, title: &'static str) -> Self {
        Self { name, title, kind: MeasureKind::Counter }
    }

    /// The last value, such as a number of open rooms.
    pub const fn gauge(name: &'static str, title: &'static str) -> Self {
        Self { name, title, kind: MeasureKind::Gauge }
    }

    /// Share of values that are not zero, such as cache hits.
    pub const fn rate(name: &'static str, title: &'static str) -> Self {
        Self { name, title, kind: MeasureKind::Rate }
    }
}

/// A value as histograms count it: as milliseconds, so that labels and sums have the plain number.
pub const fn as_duration(value: u64) -> Duration {
    Duration::from_millis(value)
}

/// Upper bounds of trends, ascending: those of charts, and the limits of objectives.
pub(crate) fn bounds(limits: impl Iterator<Item = u64>) -> Vec<Duration> {
    let mut values: Vec<_> = LADDER.iter().copied().chain(limits).collect();
    values.sort_unstable();
    values.dedup();
    values.into_iter().map(as_duration).collect()
}
