//! A run with the findings of all stages, before it is published.

use std::path::PathBuf;

use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::gate::Gate;
use perf_report::headline::Headline;
use perf_report::render::files::{HTML, REPORT};
use perf_report::render::terminal::RunResult;
use url::Url;

use crate::perf::compare::BaselineComparison;
use crate::perf::judge::JudgedRun;
use crate::perf::prove::ProofResult;
use crate::stack::dashboard_link::dashboard_link;

/// A run that is judged, proven and compared.
pub(crate) struct EndedRun {
    pub(crate) judged: JudgedRun,
    pub(crate) proof: ProofResult,
    pub(crate) compared: BaselineComparison,
}

/// A run with its report, and everything that is printed beside it.
pub(crate) struct ConcludedRun {
    pub(super) report_path: PathBuf,
    pub(super) report: Report,
    pub(super) code_before_proof: ExitCode,
    proof: Option<String>,
    pub(super) compared: BaselineComparison,
    pub(crate) dashboard: Option<Url>,
    html_path: String,
}

impl ConcludedRun {
    /// The run with all findings of its test, its proof and its comparison.
    pub(crate) fn new(ended: EndedRun, gate: Gate, requests_per_day: Option<u64>, grafana: Option<&Url>) -> Self {
        let EndedRun { judged: JudgedRun { folder, report: judged, test_failed }, proof, compared } = ended;
        let code_before_proof = test_failed.as_ref().and_then(|problem| problem.exit_code).unwrap_or(judged.exit_code);
        let findings = test_failed.into_iter().chain(proof.findings).collect();
        let report = compared.conclude(gate, judged, findings).for_requests_per_day(requests_per_day);
        // Without load or the final metrics, the dashboard would not show the run.
        let is_shown = report.was_loaded() && report.run.store.as_ref().is_some_and(|store| store.complete);
        let dashboard = grafana.filter(|_| is_shown).and_then(|grafana| dashboard_link(grafana, &report));
        Self {
            report_path: folder.join(REPORT),
            report,
            code_before_proof,
            proof: proof.text,
            compared,
            dashboard,
            html_path: folder.join(HTML).display().to_string(),
        }
    }

    /// Everything that is printed, except the verdict in the last line.
    pub(crate) fn result(&self) -> RunResult<'_> {
        RunResult {
            report: &self.report,
            proof: self.proof.as_deref(),
            compared: self.compared.comparison(),
            dashboard: self.dashboard.as_ref().map(Url::as_str),
            html: &self.html_path,
        }
    }

    /// The last line.
    pub(crate) fn verdict(&self) -> String {
        Headline::new(&self.report).verdict
    }
}
