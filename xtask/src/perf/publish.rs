//! The last stage: the files of a run, the page of its job, its annotations and its exit code.

use std::path::Path;

use perf_report::Report;
use perf_report::comparison::Comparison;
use perf_report::exit_code::ExitCode;
use perf_report::findings::run_findings;

use crate::{github, report_files};

/// Writes a run's files, puts its summary on the job's page and its findings beside the pull request. Gives the exit code.
pub(super) fn run(path: &Path, report: &Report, compared: Option<&Comparison>) -> anyhow::Result<ExitCode> {
    report_files::write(path, report, compared)?;
    github::on_job_page(path)?;
    github::annotate(&report.scenario, &run_findings(report));
    Ok(report.exit_code)
}
