//! The fourth stage: the store and the dashboards show what the report says.

use std::path::Path;

use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};

use super::perf_error::{PerfError, configuration};
use super::plan::PerfPlan;
use super::proof::{self, Before, ProofContext};
use super::services::Services;
use crate::terminal;

/// What a proof needs from before the load; none if there is no store to put questions to, or no proof is asked for.
pub(super) async fn before<'a>(
    plan: &'a PerfPlan,
    services: &'a Services,
) -> Result<Option<(ProofContext<'a>, Before)>, PerfError> {
    let Some(context) = context(plan, services).filter(|_| plan.sends()) else {
        return match plan.args.must_prove() {
            true => Err(configuration("--proof asks a store, and there is none")),
            false => Ok(None),
        };
    };
    let before = proof::before(&services.target).await;
    Ok(Some((context, before)))
}

fn context<'a>(plan: &'a PerfPlan, services: &'a Services) -> Option<ProofContext<'a>> {
    let (settings, stack) = (&plan.settings, &services.stack);
    if !plan.args.proves() {
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
        on_a_bridge: stack.is_on_a_bridge(),
        follows_redirects: settings.http.max_redirects > 0,
    })
}

/// Proves a run, prints the proof and keeps it in the run's folder. Gives what was not shown to work.
pub(super) async fn run(
    plan: &PerfPlan,
    folder: &Path,
    report: &Report,
    before: Option<(ProofContext<'_>, Before)>,
) -> Result<Vec<Finding>, PerfError> {
    let Some((context, before)) = before else { return Ok(Vec::new()) };
    let mut signals = plan.signals.clone();
    let finding = |code, kind, message: String| Finding::problem(code, Subject::Monitoring, kind, message);
    let proof = tokio::select! {
        proof = proof::prove(report, before, context) => match proof {
            Ok(proof) => proof,
            Err(error) => {
                let message = format!("the proof could not be made: {error:#}");
                return Ok(vec![finding(ExitCode::Internal, FindingKind::ProofFailed, message)]);
            }
        },
        _ = signals.wait_for(|count| *count > 0) => return Ok(unproved(report).into_iter().collect()),
    };
    terminal::say(&format!("\n{}", proof.render()));
    // What was proved is printed, and the report is worth its pages all the same.
    let kept = proof.write(folder).err();
    let kept = kept.map(|error| finding(ExitCode::Internal, FindingKind::ProofNotWritten, format!("{error:#}")));
    let failed = proof.failed().map(|failed| finding(ExitCode::ProofFailed, FindingKind::ProofFailed, failed));
    Ok(kept.into_iter().chain(failed).collect())
}

/// A run that was judged, and interrupted before it was proved: its report says so, if it does not already.
pub(super) fn unproved(report: &Report) -> Option<Finding> {
    let message = "interrupted before the run was proved";
    let finding = || Finding::problem(ExitCode::Interrupted, Subject::Run, FindingKind::Interrupted, message);
    (!report.has(FindingKind::Interrupted)).then(finding)
}
