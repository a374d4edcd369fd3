//! What a run found: the report, how it is judged, and everything that is rendered from it.
//!
//! Nothing here does IO or reads a clock. In reading order: [`evidence`] (what was measured), [`judgement`] (what it comes to), [`exit_code`],
//! [`finding`], [`verdict`] (how an objective is judged), [`quantile`], [`report`] (what `report.json` holds), [`comparison`] (what `comparison.json` holds),
//! [`findings`], [`readings`] and [`error_budget`] (what the result says and means), [`mark`] and [`format`] (how it is
//! worded), and [`render`] (terminal, Markdown, HTML, JUnit).

pub mod comparison;
pub mod error_budget;
pub mod evidence;
pub mod exit_code;
pub mod failure;
pub mod finding;
pub mod findings;
pub mod format;
pub mod judgement;
pub mod mark;
pub mod millis;
pub mod outcome;
pub mod quantile;
pub mod read;
pub mod readings;
pub mod render;
pub mod report;
pub mod schema;
pub mod verdict;

#[cfg(test)]
mod tests;

pub use failure::FailureKind;
pub use millis::Millis;
pub use report::*;
