//! Everything that is made from a report for somebody to read: what stands beside `report.json` and `comparison.json`.

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

/// What a run measured, for whoever judges it.
pub const EVIDENCE: &str = "evidence.json";

/// A file could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// As JSON.
    #[error("failed to write the report as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// As XML.
    #[error("failed to write the results as XML: {0}")]
    Xml(#[from] quick_junit::SerializeError),
}

/// A run's files by name, with what it was compared with, if it was.
///
/// # Errors
/// If the report cannot be written as JSON, or the results as XML.
pub fn run_files(report: &Report, compared: Option<&Comparison>) -> Result<Vec<(&'static str, String)>, RenderError> {
    let mut summary = markdown::render_run(report);
    let mut files = vec![
        (HTML, html::render_run(report, compared)),
        (JUNIT, junit::render_run(report)?),
        (REPORT, serde_json::to_string_pretty(report)? + "\n"),
    ];
    if let Some(compared) = compared {
        summary.push('\n');
        summary.push_str(&markdown::render_comparison(compared));
        files.push((COMPARISON, serde_json::to_string_pretty(compared)? + "\n"));
    }
    files.push((MARKDOWN, summary));
    Ok(files)
}

/// A comparison's files by name.
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
