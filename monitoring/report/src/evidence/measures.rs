//! Values of the scenarios' own measures.

use monitoring::catalogue::Catalogue;
use monitoring::measure::{MeasureKind, as_duration};
use monitoring::phase::{Phase, Phases};
use serde::{Deserialize, Serialize};

use super::histogram::{Bounds, Latency, bounds};
use super::large_number;

/// Values of one measure in one phase.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MeasureCounts {
    /// Values that the scenario recorded.
    pub count: u64,
    /// Values that are not zero.
    pub passed: u64,
    /// Sum of all values.
    #[serde(with = "large_number::sum")]
    pub sum: u64,
    /// The last value, after its time in nanoseconds since the start of the load.
    #[serde(with = "large_number::timed")]
    pub last: Option<(u64, u64)>,
    /// All values of a trend. Each is counted as a duration of that number of milliseconds.
    pub values: Option<Latency>,
}

/// Values of all measures by measure and phase.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Measures(pub(super) Vec<MeasureCounts>);

/// Dimensions of the measures: for each one, the bucket bounds of a trend.
pub(super) type MeasureLayout = Vec<Option<Bounds>>;

pub(super) fn layout(catalogue: &Catalogue) -> MeasureLayout {
    let trend = bounds(&catalogue.measure_bounds());
    catalogue.measures.iter().map(|it| (it.kind == MeasureKind::Trend).then(|| trend.clone())).collect()
}

impl MeasureCounts {
    /// Counts a value, recorded at `at` nanoseconds since the start of the load.
    pub fn record(&mut self, at: u64, value: u64) {
        self.count += 1;
        self.passed += u64::from(value > 0);
        self.sum = self.sum.saturating_add(value);
        self.last = Some((at, value));
        if let Some(values) = &mut self.values {
            values.record(as_duration(value));
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.passed += other.passed;
        self.sum = self.sum.saturating_add(other.sum);
        self.last = self.last.max(other.last);
        if let (Some(mine), Some(theirs)) = (&mut self.values, &other.values) {
            mine.merge(theirs);
        }
    }
}

impl Measures {
    pub(super) fn new(layout: &MeasureLayout) -> Self {
        let empty = |bounds: &Option<Bounds>| MeasureCounts {
            values: bounds.as_ref().map(|bounds| Latency::new(bounds.clone())),
            ..MeasureCounts::default()
        };
        Self(layout.iter().flat_map(|bounds| vec![empty(bounds); Phase::ALL.len()]).collect())
    }

    /// Whether counts from a file agree with each other.
    pub(super) fn is_consistent(&self) -> bool {
        self.0
            .iter()
            .all(|counts| counts.passed <= counts.count && counts.values.as_ref().is_none_or(Latency::is_whole))
    }

    /// Whether the counts have the measures and bucket bounds of a layout.
    pub(super) fn fits(&self, layout: &MeasureLayout) -> bool {
        let expected = layout.iter().flat_map(|bounds| [bounds; Phase::ALL.len()]);
        self.0.len() == layout.len() * Phase::ALL.len()
            && self.0.iter().zip(expected).all(|(counts, bounds)| match (&counts.values, bounds) {
                (Some(values), Some(bounds)) => values.buckets().has_bounds(bounds),
                (values, bounds) => values.is_none() && bounds.is_none(),
            })
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| mine.merge(theirs));
    }

    /// Values of a measure in a phase, by its index in the catalogue.
    pub fn cell(&self, measure: usize, phase: Phase) -> &MeasureCounts {
        &self.0[measure * Phase::ALL.len() + phase.index()]
    }

    /// Mutable values of a measure in a phase.
    pub fn cell_mut(&mut self, measure: usize, phase: Phase) -> &mut MeasureCounts {
        &mut self.0[measure * Phase::ALL.len() + phase.index()]
    }

    /// The last value of a measure in all phases.
    pub fn last(&self, measure: usize) -> Option<u64> {
        Phase::ALL.iter().filter_map(|&phase| self.cell(measure, phase).last).max().map(|(_, value)| value)
    }

    /// Adds the values of a measure in some phases to `all`.
    pub fn add_to(&self, all: &mut Option<MeasureCounts>, measure: usize, phases: Phases) {
        for phase in phases.iter() {
            match all {
                None => *all = Some(self.cell(measure, phase).clone()),
                Some(all) => all.merge(self.cell(measure, phase)),
            }
        }
    }
}
