//! The fourth stage: checks that store and dashboards show the numbers of the report.

use std::path::Path;

use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};

use super::args::ProofMode;
use super::plan::PerfPlan;
use super::proof::{self, CountersBefore, ProofContext};
use super::services::Services;

/// Reads everything that the proof needs from before the load. Returns `None` if there is no store
/// for queries, or if no proof is asked for.
pub(super) async fn before<'a>(
    plan: &'a PerfPlan,
    services: &'a Services,
) -> Option<(ProofContext<'a>, CountersBefore)> {
    let context = context(plan, services).filter(|_| plan.sends())?;
    let before = proof::before(&services.target, plan.mapping).await;
    Some((context, before))
}

fn context<'a>(plan: &'a PerfPlan, services: &'a Services) -> Option<ProofContext<'a>> {
    let (settings, stack) = (&plan.settings, &services.stack);
    if plan.proof == ProofMode::Skipped {
        return None;
    }
    Some(ProofContext {
        prometheus: stack.prometheus.clone().or_else(|| settings.query_url())?,
        is_named: stack.prometheus.is_some() || settings.prometheus.is_some(),
        grafana: stack.grafana.as_ref(),
        target: &services.target,
        access: &settings.store_access,
        own_backend: services.stub.is_some(),
        own_store: stack.prometheus.is_some(),
        push_interval: settings.push_interval,
        must_prove: plan.proof == ProofMode::Required,
        on_a_bridge: stack.is_on_a_bridge(),
        mapping: plan.mapping,
        follows_redirects: settings.http.max_redirects > 0,
    })
}

/// The result of a proof.
#[derive(Default)]
pub(super) struct ProofResult {
    /// Failed checks and other problems.
    pub(super) findings: Vec<Finding>,
    /// The text for the terminal: all checks.
    pub(super) text: Option<String>,
}

impl ProofResult {
    /// The run was interrupted before the end of its proof. There is no finding if the report
    /// already has an interruption.
    pub(super) fn interrupted(report: &Report) -> Self {
        let message = "interrupted before the end of the proof";
        let finding = || Finding::problem(ExitCode::Interrupted, Subject::Run, FindingKind::Interrupted, message);
        let is_unreported = !report.has(FindingKind::Interrupted);
        Self { findings: is_unreported.then(finding).into_iter().collect(), text: None }
    }
}

/// Makes the proof of a run, and writes it to the run's folder. A run that sent no requests has an
/// empty result.
pub(super) async fn run(
    plan: &PerfPlan,
    folder: &Path,
    report: &Report,
    before: Option<(ProofContext<'_>, CountersBefore)>,
) -> ProofResult {
    let Some((context, before)) = before.filter(|_| report.was_loaded()) else { return ProofResult::default() };
    let mut signals = plan.signals.clone();
    let finding = |code, kind, message: String| Finding::problem(code, Subject::Monitoring, kind, message);
    let only = |finding| ProofResult { findings: vec![finding], text: None };
    let proof = tokio::select! {
        proof = proof::prove(report, before, context) => match proof {
            Ok(proof) => proof,
            Err(error) => {
                let message = format!("failed to run the proof: {error:#}");
                return only(finding(ExitCode::Internal, FindingKind::ProofFailed, message));
            }
        },
        _ = signals.wait_for(|count| *count > 0) => return ProofResult::interrupted(report),
    };
    // If the proof cannot be written, it is still printed.
    let not_written = proof.write(folder).err();
    let not_written =
        not_written.map(|error| finding(ExitCode::Internal, FindingKind::ProofNotWritten, format!("{error:#}")));
    let failed = proof.failed().map(|failed| finding(ExitCode::ProofFailed, FindingKind::ProofFailed, failed));
    let text = Some(proof.render(plan.is_verbose));
    ProofResult { findings: not_written.into_iter().chain(failed).chain(proof.finding).collect(), text }
}
