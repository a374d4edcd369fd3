//! Statistics of comparisons: is a service slower than before?
//!
//! This crate does no IO. In reading order: [`significance`] (method, sources and error rates),
//! [`comparison`] (rounds of two sides), [`recorded`] (two runs at different times).

pub mod comparison;
mod pair_measures;
pub mod recorded;
pub mod significance;

pub use comparison::{ComparisonLabel, compare, objectives};
pub use pair_measures::{Pair, differences_of_p95};
pub use recorded::{RecordedError, RecordedRun, compare_recorded};
