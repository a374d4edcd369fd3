//! Everything from evidence to report: judgement, findings, and all rendered files.
//!
//! Nothing in this crate does IO or reads a clock. Modules in reading order:
//!
//! - [`evidence`]: what was measured; [`quantile`] and [`millis`]: quantiles with failed requests
//! - [`judgement`]: how a run, an endpoint and an objective are judged; [`verdict`] and
//!   [`exit_code`]
//! - [`report`] and [`comparison`]: the content of `report.json` and `comparison.json`; [`gate`]
//!   and [`read`]
//! - [`outcome`], [`outcome_log`] and [`shard`]: how a scenario's process passes its result to
//!   another
//! - [`finding`], [`findings`], [`interpretation`], [`headline`] and `error_budget`: what a
//!   result means
//! - [`mark`] and [`mod@format`]: words, signs and numbers
//! - [`render`]: terminal, Markdown, HTML and JUnit

pub mod comparison;
mod error_budget;
pub mod evidence;
pub mod exit_code;
pub mod failure;
pub mod finding;
pub mod findings;
pub mod format;
pub mod gate;
pub mod headline;
pub mod interpretation;
pub mod judgement;
pub mod mark;
pub mod millis;
pub mod outcome;
pub mod outcome_log;
pub mod quantile;
pub mod read;
pub mod render;
pub mod report;
pub mod schema;
pub mod shard;
pub mod verdict;

#[cfg(test)]
mod tests;

pub use failure::FailureKind;
pub use millis::{Millis, exact_ms, whole_ms};
pub use report::Report;
