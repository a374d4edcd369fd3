//! Everything that is made from a report for somebody to read: what stands beside `report.json` and `comparison.json`.

pub use quick_junit::SerializeError;

use super::{html, junit, markdown};
use crate::Report;
use crate::comparison::Comparison;

/// The report, which all else is made from.
pub const REPORT: &str = "report.json";
/// A comparison.
pub const COMPARISON: &str = "comparison.json";
/// The page for a browser.
pub const HTML: &str = "report.html";
/// The page for a job of GitHub.
pub const MARKDOWN: &str = "summary.md";
/// The test results.
pub const JUNIT: &str = "junit.xml";

/// A run's latencies over time, for other tools and for comparisons.
pub const HISTOGRAMS: &str = "histograms.hlog";

/// A run's files by name: with what it was compared with, if it was.
///
/// # Errors
/// If the results cannot be written as XML.
pub fn run_files(
    report: &Report,
    compared: Option<&Comparison>,
) -> Result<[(&'static str, String); 3], SerializeError> {
    let mut summary = markdown::render_run(report);
    if let Some(compared) = compared {
        summary.push('\n');
        summary.push_str(&markdown::render_comparison(compared));
    }
    Ok([(HTML, html::render_run(report, compared)), (MARKDOWN, summary), (JUNIT, junit::render_run(report)?)])
}

/// A comparison's files by name.
///
/// # Errors
/// If the results cannot be written as XML.
pub fn comparison_files(compared: &Comparison) -> Result<[(&'static str, String); 3], SerializeError> {
    let results = junit::render_comparison(compared)?;
    Ok([(HTML, html::render_comparison(compared)), (MARKDOWN, markdown::render_comparison(compared)), (JUNIT, results)])
}
