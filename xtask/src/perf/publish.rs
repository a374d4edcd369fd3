//! The last stage: writes the files, the job's page and annotations, prints the result, and returns
//! the exit code.

use std::path::{Path, PathBuf};

use monitoring::sanitize::sanitize;
use perf_report::Report;
use perf_report::comparison::Comparison;
use perf_report::exit_code::ExitCode;
use perf_report::finding::Severity;
use perf_report::findings::{comparison_findings, run_findings};
use perf_report::gate::Gate;
use perf_report::headline::Headline;
use perf_report::render::files::{HTML, REPORT};
use perf_report::render::terminal::RunResult;
use url::Url;

use super::compare::{BaselineComparison, BaselinePlan};
use super::judge::JudgedRun;
use super::perf_error::PerfError;
use super::prove::ProofResult;
use crate::github;
use crate::host::terminal;
use crate::runs::{recorded, report_files, reports};
use crate::stack::dashboard_link::dashboard_link;

/// A run that is judged, proven and compared.
pub(crate) struct EndedRun {
    pub(crate) judged: JudgedRun,
    pub(crate) proof: ProofResult,
    pub(crate) compared: BaselineComparison,
}

/// The result of one or more runs.
#[derive(Debug)]
pub(crate) struct PerfResult {
    /// The most severe exit code of all runs.
    pub(crate) code: ExitCode,
    /// The verdict of each run that has one.
    pub(crate) verdicts: Vec<String>,
}

impl PerfResult {
    pub(crate) const fn without_verdict(code: ExitCode) -> Self {
        Self { code, verdicts: Vec::new() }
    }

    pub(crate) fn with_verdict(code: ExitCode, verdict: String) -> Self {
        Self { code, verdicts: vec![verdict] }
    }

    pub(crate) fn from_comparison(compared: &Comparison) -> Self {
        Self::with_verdict(compared.exit_code, Headline::for_comparison(compared).verdict)
    }

    /// This result, and the one of a later run.
    pub(crate) fn and(mut self, later: Self) -> Self {
        self.code = self.code.or_worse(later.code);
        self.verdicts.extend(later.verdicts);
        self
    }
}

/// A run with its report, and everything that is printed beside it.
pub(crate) struct PublishedRun {
    /// The path of `report.json`.
    path: PathBuf,
    report: Report,
    /// The run's exit code before the proof and the comparison.
    own: ExitCode,
    proof: Option<String>,
    compared: BaselineComparison,
    pub(crate) dashboard: Option<Url>,
    html: String,
}

impl PublishedRun {
    /// The run with all findings of its test, its proof and its comparison.
    pub(crate) fn new(ended: EndedRun, gate: Gate, requests_per_day: Option<u64>, grafana: Option<&Url>) -> Self {
        let EndedRun { judged: JudgedRun { folder, report: judged, test_failed }, proof, compared } = ended;
        let own = test_failed.as_ref().and_then(|problem| problem.exit_code).unwrap_or(judged.exit_code);
        let findings = test_failed.into_iter().chain(proof.findings).collect();
        let report = compared.conclude(gate, judged, findings).for_requests_per_day(requests_per_day);
        // Without load or the final metrics, the dashboard would not show the run.
        let is_shown = report.was_loaded() && report.run.store.as_ref().is_some_and(|store| store.complete);
        let dashboard = grafana.filter(|_| is_shown).and_then(|grafana| dashboard_link(grafana, &report));
        let (path, html) = (folder.join(REPORT), folder.join(HTML).display().to_string());
        Self { path, report, own, proof: proof.text, compared, dashboard, html }
    }

    /// Everything that is printed, except the verdict in the last line.
    pub(crate) fn result(&self) -> RunResult<'_> {
        RunResult {
            report: &self.report,
            proof: self.proof.as_deref(),
            compared: self.compared.comparison(),
            dashboard: self.dashboard.as_ref().map(Url::as_str),
            html: &self.html,
        }
    }

    /// The last line.
    pub(crate) fn verdict(&self) -> String {
        Headline::new(&self.report).verdict
    }
}

/// Prints and publishes a run, and saves it as a baseline if that is asked for.
pub(crate) fn run(
    ended: EndedRun,
    baseline: &BaselinePlan,
    requests_per_day: Option<u64>,
    grafana: Option<&Url>,
) -> Result<PerfResult, PerfError> {
    let run = PublishedRun::new(ended, baseline.gate, requests_per_day, grafana);
    terminal::print_run(&run.result());
    write(&run.path, &run.report, run.compared.comparison())?;
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
fn save_baseline(name: &str, run: &PublishedRun) -> Result<(), PerfError> {
    if !matches!(run.own, ExitCode::Met | ExitCode::Missed) {
        terminal::print_note(&format!("not saved as baseline {name:?}: {}", run.own.describe()));
        return Ok(());
    }
    if run.compared.comparison().is_some() && reports::baseline_folder(name).join(REPORT).is_file() {
        terminal::print_note(&format!(
            "baseline {name:?} is unchanged: to replace it by this run, leave out --baseline"
        ));
        return Ok(());
    }
    let folder = recorded::keep(name, &run.path)?;
    terminal::print_line(&format!("baseline   {name}, in {}", folder.display()));
    Ok(())
}

/// Prints and publishes an interleaved comparison.
pub(crate) fn comparison(path: &Path, compared: &Comparison) -> anyhow::Result<PerfResult> {
    terminal::print_comparison(compared, path);
    report_files::write_comparison(path, compared)?;
    github::append_to_job_page(path)?;
    github::annotate(&compared.scenario, &comparison_findings(compared));
    Ok(PerfResult::from_comparison(compared))
}

/// Prints and publishes why a command or a scenario ended without a report.
pub(super) fn stop(code: ExitCode, verdict: String, cause: &str) -> PerfResult {
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
        Err(error) => stop(error.code(), error.verdict(), &error.to_string()),
    };
    terminal::print_code(result.code, &result.verdicts);
    result.code
}

#[cfg(test)]
mod tests;
