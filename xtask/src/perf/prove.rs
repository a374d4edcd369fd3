//! The fifth stage, the proof: checks that store and dashboards show the numbers of the report.
//!
//! Every query of dashboards and rules has data. No request was lost on the way to the store or the
//! backend. The store has the numbers of the verdict. The client's latencies are compared with
//! those of the backend's own clock.

mod backend;
mod checks;
mod proof;
mod proof_context;
mod proven_run;
mod render;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use perf_report::Report;
use perf_report::finding::FindingKind;

use super::args::ProofMode;
use super::judge::JudgedRun;
use super::plan::PerfPlan;
use super::services::Services;
use backend::backend_metrics;
use backend::proof_backend::ProofBackend;
pub(crate) use checks::queries::empty_queries;
use proof::Proof;
pub(crate) use proof::ProofResult;
use proof_context::ProofContext;
use store::proof_store::{ProofStore, StoreOrigin};
pub(crate) use store::query_source::QuerySource;

/// Time for which a backend's counters must stand still before they count as final.
const STILL: Duration = Duration::from_secs(20);

/// Reads everything that the proof needs from before the load. Returns `None` if there is no store
/// for queries, or if no proof is asked for.
pub(super) async fn before<'a>(plan: &'a PerfPlan, services: &'a Services) -> Option<ProofContext<'a>> {
    let settings = &plan.settings;
    let stack = &services.stack;
    if plan.proof == ProofMode::Skipped || !plan.sends() {
        return None;
    }
    let store = ProofStore {
        url: stack.prometheus.clone().or_else(|| settings.query_url())?,
        origin: match (&stack.prometheus, &settings.prometheus) {
            (Some(_), _) => StoreOrigin::OwnStack { on_bridge: stack.is_on_a_bridge() },
            (None, Some(_)) => StoreOrigin::Named,
            (None, None) => StoreOrigin::Guessed,
        },
        by_pods: settings.on_kubernetes,
        grafana: stack.grafana.as_ref(),
        access: &settings.store_access,
    };
    let source = services.metrics_source(plan);
    let backend = ProofBackend {
        source,
        is_own: services.stub.is_some(),
        mapping: plan.mapping,
        follows_redirects: settings.http.max_redirects > 0,
        metrics: backend_metrics::read_all(source, plan.mapping).await,
        still: STILL,
        quiet: settings.quiet,
    };
    let must_prove = plan.proof == ProofMode::Required;
    Some(ProofContext { store, backend, push_interval: settings.push_interval, must_prove })
}

/// Makes the proof of a run, if it has one, and writes it to the run's folder.
pub(super) async fn run(plan: &PerfPlan, judged: &JudgedRun, context: Option<ProofContext<'_>>) -> ProofResult {
    let JudgedRun { folder, report, .. } = judged;
    let Some(context) = context.filter(|_| has_proof(report)) else { return ProofResult::default() };
    let mut signals = plan.signals.clone();
    let made = tokio::select! {
        made = Proof::make(report, context) => made,
        () = signals.interrupted() => return ProofResult::interrupted(report),
    };
    let proof = match made {
        Ok(proof) => proof,
        Err(error) => return ProofResult::stopped(&error),
    };
    let written = proof.write(folder);
    let result = proof.into_result(plan.is_verbose);
    match written {
        Ok(()) => result,
        Err(error) => result.not_written(&error),
    }
}

/// Whether a run has a proof. Otherwise a finding of its report says why its metrics are missing.
fn has_proof(report: &Report) -> bool {
    let is_stored = report.run.store.as_ref().is_some_and(|store| store.complete);
    report.was_loaded() && is_stored && !report.has(FindingKind::StoreLacksRun)
}
