//! The last stage: writes the files, the job's page and annotations, and returns the exit code.

use std::path::Path;

use perf_report::Report;
use perf_report::comparison::Comparison;
use perf_report::exit_code::ExitCode;
use perf_report::finding::Severity;
use perf_report::findings::{comparison_findings, run_findings};

use crate::github;
use crate::runs::report_files;

/// Writes a run's files, its summary on the job's page, and its findings as annotations.
pub(super) fn run(path: &Path, report: &Report, compared: Option<&Comparison>) -> anyhow::Result<ExitCode> {
    report_files::write(path, report, compared)?;
    github::append_to_job_page(path)?;
    let findings = run_findings(report).into_iter().filter(|finding| finding.severity > Severity::Good);
    github::annotate(&report.run.scenario, &findings.collect::<Vec<_>>());
    Ok(report.exit_code)
}

/// Does the same for an interleaved comparison.
pub(super) fn comparison(path: &Path, compared: &Comparison) -> anyhow::Result<ExitCode> {
    report_files::write_comparison(path, compared)?;
    github::append_to_job_page(path)?;
    github::annotate(&compared.scenario, &comparison_findings(compared));
    Ok(compared.exit_code)
}
