//! Writes reports, comparisons, and the files that are made from them.

use std::path::Path;

use perf_host::files::write_whole;
use perf_report::Report;
use perf_report::comparison::Comparison;
use perf_report::finding::Finding;
use perf_report::render::files::{COMPARISON, MARKDOWN, REPORT, comparison_files, run_files};
use perf_report::render::markdown::render_stop;

/// Writes a report, and beside it all files that are made from it. Replaces existing files.
pub(crate) fn write(path: &Path, report: &Report, compared: Option<&Comparison>) -> anyhow::Result<()> {
    write_all(path, REPORT, run_files(report, compared)?)
}

/// Writes the files that are made from a report beside it, but not the report itself.
pub(crate) fn write_beside(path: &Path, report: &Report, compared: Option<&Comparison>) -> anyhow::Result<()> {
    let derived = run_files(report, compared)?.into_iter().filter(|(name, _)| *name != REPORT);
    write_all(path, REPORT, derived.collect())
}

/// Writes an interleaved comparison, and beside it all files that are made from it.
pub(crate) fn write_comparison(path: &Path, compared: &Comparison) -> anyhow::Result<()> {
    write_all(path, COMPARISON, comparison_files(compared)?)
}

/// Writes the summary of a command that stopped before it had a report, which would be at `path`.
pub(crate) fn write_stop(path: &Path, finding: &Finding) -> anyhow::Result<()> {
    crate::host::files::make_folder(path.with_file_name(""))?;
    write_all(path, REPORT, vec![(MARKDOWN, render_stop(finding))])
}

/// Writes the main file at `main`, and the others beside it.
fn write_all(main: &Path, main_name: &str, files: Vec<(&'static str, String)>) -> anyhow::Result<()> {
    let path = |name| if name == main_name { main.to_owned() } else { main.with_file_name(name) };
    Ok(write_whole(files.into_iter().map(|(name, text)| (path(name), text)))?)
}
