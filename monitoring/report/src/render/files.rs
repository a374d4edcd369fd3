//! Names and contents of the files of a run or a comparison.

use super::{html, junit, markdown};
use crate::Report;
use crate::comparison::Comparison;

/// The report of a run, from which the other files can be made again.
pub const REPORT: &str = "report.json";
/// A comparison.
pub const COMPARISON: &str = "comparison.json";
/// Page for a browser.
pub const HTML: &str = "report.html";
/// Summary for the page of a CI job.
pub const MARKDOWN: &str = "summary.md";
/// Results for tools that show test results.
pub const JUNIT: &str = "junit.xml";

/// Latencies over time, for other tools and for comparisons.
pub const HISTOGRAMS: &str = "histograms.hlog";

/// Measurements of a run, from which it is judged.
pub const EVIDENCE: &str = "evidence.json";

/// A file could not be made.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum RenderError {
    #[error("cannot write the report as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot write the results as XML: {0}")]
    Xml(#[from] quick_junit::SerializeError),
}

/// Files of a run as (name, content), in the order in which they are written. The report is last,
/// so that it exists only if all others do. With a comparison, they include it.
///
/// # Errors
/// If the report cannot be written as JSON, or the results as XML.
pub fn run_files(report: &Report, compared: Option<&Comparison>) -> Result<Vec<(&'static str, String)>, RenderError> {
    let summary = match compared {
        Some(compared) => markdown::render_compared_run(report, compared),
        None => markdown::render_run(report),
    };
    let mut files = vec![(HTML, html::render_run(report, compared)), (JUNIT, junit::render_run(report, compared)?)];
    if let Some(compared) = compared {
        files.push((COMPARISON, serde_json::to_string_pretty(compared)? + "\n"));
    }
    files.push((MARKDOWN, summary));
    files.push((REPORT, serde_json::to_string_pretty(report)? + "\n"));
    Ok(files)
}

/// Files of a comparison as (name, content), in the order in which they are written: the comparison
/// is last.
///
/// # Errors
/// If the comparison cannot be written as JSON, or the results as XML.
pub fn comparison_files(compared: &Comparison) -> Result<Vec<(&'static str, String)>, RenderError> {
    Ok(vec![
        (HTML, html::render_comparison(compared)),
        (MARKDOWN, markdown::render_comparison(compared)),
        (JUNIT, junit::render_comparison(compared)?),
        (COMPARISON, serde_json::to_string_pretty(compared)? + "\n"),
    ])
}

#[cfg(test)]
mod tests;
