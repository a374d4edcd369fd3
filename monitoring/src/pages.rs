//! Everything that is made from a report for somebody to read: what stands beside `report.json` and `comparison.json`.

pub use quick_junit::SerializeError;

use crate::comparison::Comparison;
use crate::judgement::Report;
use crate::{html, junit, markdown};

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
pub fn of_run(report: &Report, compared: Option<&Comparison>) -> Result<[(&'static str, String); 3], SerializeError> {
    let mut summary = markdown::of_run(report);
    if let Some(compared) = compared {
        summary.push('\n');
        summary.push_str(&markdown::of_comparison(compared));
    }
    Ok([(HTML, html::of_run(report, compared)), (MARKDOWN, summary), (JUNIT, junit::of_run(report)?)])
}

/// A comparison's files by name.
///
/// # Errors
/// If the results cannot be written as XML.
pub fn of_comparison(compared: &Comparison) -> Result<[(&'static str, String); 3], SerializeError> {
    let results = junit::of_comparison(compared)?;
    Ok([(HTML, html::of_comparison(compared)), (MARKDOWN, markdown::of_comparison(compared)), (JUNIT, results)])
}
