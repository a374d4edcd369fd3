//! The last stage: writes the files, the job's page and annotations, prints the result, and returns
//! the exit code.

mod concluded_run;

use std::path::Path;

use monitoring::sanitize::sanitize;
use perf_report::Report;
use perf_report::comparison::Comparison;
use perf_report::exit_code::ExitCode;
use perf_report::finding::Severity;
use perf_report::findings::{comparison_findings, run_findings};
use perf_report::render::files::REPORT;
use url::Url;

use super::baseline_plan::BaselinePlan;
use super::perf_error::PerfError;
use super::perf_result::PerfResult;
use crate::github;
use crate::host::terminal;
use crate::runs::report_index::baseline_folder;
use crate::runs::{recorded, report_files};
pub(crate) use concluded_run::{ConcludedRun, EndedRun};

/// Prints and publishes a run, and saves it as a baseline if that is asked for.
pub(crate) fn run(
    ended: EndedRun,
    baseline: &BaselinePlan,
    requests_per_day: Option<u64>,
    grafana: Option<&Url>,
) -> Result<PerfResult, PerfError> {
    let run = ConcludedRun::new(ended, baseline.gate, requests_per_day, grafana);
    terminal::print_run(&run.result());
    write(&run.report_path, &run.report, run.compared.comparison())?;
    if let Some(name) = &baseline.save {
        save_baseline(name, &run)?;
    }
    Ok(PerfResult::with_verdict(run.report.exit_code, run.verdict()))
}

/// Writes a run's files, its summary on the job's page, and its findings as annotations.
fn write(path: &Path, report: &Report, compared: Option<&Comparison>) -> anyhow::Result<()> {
    report_files::write(path, report, compared)?;
    github::append_to_job_page(path)?;
    let findings = run_findings(report).into_iter().filter(|finding| finding.severity > Severity::Good);
    github::annotate(&report.run.scenario, &findings.collect::<Vec<_>>());
    Ok(())
}

/// Saves a run as a baseline, if its objectives were judged.
///
/// A baseline that the run was compared with is not replaced. Otherwise a regression would be
/// reported only once, and a slow drift never.
fn save_baseline(name: &str, run: &ConcludedRun) -> Result<(), PerfError> {
    if !matches!(run.code_before_proof, ExitCode::Met | ExitCode::Missed) {
        terminal::print_note(&format!("not saved as baseline {name:?}: {}", run.code_before_proof.describe()));
        return Ok(());
    }
    if run.compared.comparison().is_some() && baseline_folder(name).join(REPORT).is_file() {
        terminal::print_note(&format!(
            "baseline {name:?} is unchanged: to replace it by this run, leave out --baseline"
        ));
        return Ok(());
    }
    let folder = recorded::keep(name, &run.report_path)?;
    terminal::print_line(&format!("baseline   {name}, in {}", folder.display()));
    Ok(())
}

/// Prints and publishes an interleaved comparison.
pub(crate) fn publish_comparison(path: &Path, compared: &Comparison) -> anyhow::Result<PerfResult> {
    terminal::print_comparison(compared, path);
    report_files::write_comparison(path, compared)?;
    github::append_to_job_page(path)?;
    github::annotate(&compared.scenario, &comparison_findings(compared));
    Ok(PerfResult::from_comparison(compared))
}

/// Prints and publishes why a command or a scenario ended without a report.
pub(super) fn report_stop(code: ExitCode, verdict: String, cause: &str) -> PerfResult {
    let cause = sanitize(cause);
    terminal::print_stop(&verdict, &cause);
    github::report_stop(code, &cause);
    PerfResult::with_verdict(code, verdict)
}

/// Prints the result of a command, or its error. `None` is the result of a command that has no
/// exit code to print.
pub(crate) fn finish(result: Result<Option<PerfResult>, PerfError>) -> ExitCode {
    let result = match result {
        Ok(Some(result)) => result,
        Ok(None) => return ExitCode::Met,
        Err(error) => report_stop(error.code(), error.verdict(), &error.to_string()),
    };
    terminal::print_code(result.code, &result.verdicts);
    result.code
}
