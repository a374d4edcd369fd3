//! The last stage: the only writer of a report and of everything that is made from it.

use std::path::Path;

use perf_report::Report;
use perf_report::comparison::Comparison;
use perf_report::exit_code::ExitCode;
use perf_report::findings::run_findings;

use crate::{github, reports};

/// Writes a run's files, puts its summary on the job's page and its findings beside the pull request. Gives the exit code.
pub(super) fn run(path: &Path, report: &Report, compared: Option<&Comparison>) -> anyhow::Result<ExitCode> {
    reports::publish(path, report, compared)?;
    github::on_job_page(path)?;
    github::annotate(&report.scenario, &run_findings(report));
    Ok(report.exit_code)
}
