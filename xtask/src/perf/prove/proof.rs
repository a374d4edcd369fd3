//! The proof of a run: its checks, and what follows from them.

use monitoring::catalogue::Catalogue;
use monitoring::services;
use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::findings::no_backend_metrics;
use serde::Serialize;

use super::backend::backend_metrics::{self, BackendMetrics};
use super::backend::backend_scrapes::BackendScrapes;
use super::checks::excuses::Excuses;
use super::checks::proof_check::ProofCheck;
use super::checks::store_gaps::StoreGaps;
use super::checks::{clocks, coverage, delivery, queries, same_counts, timeline};
use super::proof_context::ProofContext;
use super::proven_run::{ProvenRun, now_ms};
use super::store::proof_store::ProofStore;
use super::store::query_source::QuerySource;
use crate::backend::target_metrics::NoMetrics;

#[derive(Default)]
pub(crate) struct ProofResult {
    /// Failed checks and other problems.
    pub(crate) findings: Vec<Finding>,
    /// The text for the terminal: all checks.
    pub(crate) text: Option<String>,
}

impl ProofResult {
    /// The run was interrupted before the end of its proof. There is no finding if the report
    /// already has an interruption.
    pub(crate) fn interrupted(report: &Report) -> Self {
        let finding = || Finding::interrupted("interrupted before the end of the proof");
        let is_unreported = !report.has(FindingKind::Interrupted);
        Self { findings: is_unreported.then(finding).into_iter().collect(), text: None }
    }

    /// The proof ended with an error, and not by a failed check.
    pub(crate) fn stopped(error: &anyhow::Error) -> Self {
        let finding = monitoring_problem(
            ExitCode::Internal,
            FindingKind::ProofFailed,
            format!("failed to run the proof: {error:#}"),
        );
        Self { findings: vec![finding], text: None }
    }

    /// This result, after its file could not be written. It is printed nevertheless.
    pub(crate) fn not_written(mut self, error: &anyhow::Error) -> Self {
        let finding = monitoring_problem(ExitCode::Internal, FindingKind::ProofNotWritten, format!("{error:#}"));
        self.findings.insert(0, finding);
        self
    }
}

fn monitoring_problem(code: ExitCode, kind: FindingKind, message: String) -> Finding {
    Finding::problem(code, Subject::Monitoring, kind, message)
}

#[derive(Debug, Serialize)]
pub(crate) struct Proof {
    pub(crate) checks: Vec<ProofCheck>,
    /// The warning that the backend has no metrics.
    #[serde(skip)]
    pub(crate) finding: Option<Finding>,
}

impl Proof {
    /// Makes all checks.
    ///
    /// # Errors
    /// If no client for the store or Grafana can be made. A failed check is not an error.
    pub(crate) async fn make(report: &Report, mut context: ProofContext<'_>) -> anyhow::Result<Self> {
        let store = &context.store;
        let source = QuerySource::new(store.url.clone(), store.grafana.cloned(), store.access)?;
        let Some(catalogue) = services::find(&report.run.service) else {
            let why = format!(
                "monitoring/src/services has no service {}, so it has no rules and no dashboard",
                report.run.service
            );
            return Ok(Self::without_metrics(why));
        };
        if store.is_doubtful()
            && let Err(error) = source.value("vector(1)", now_ms()).await
        {
            return Ok(Self::without_store(store, &error, context.must_prove));
        }
        let mapping = context.backend.mapping.unwrap_or(catalogue.mapping);
        let catalogue = &Catalogue { mapping, ..*catalogue };
        let run = ProvenRun { catalogue, report, source: &source };
        let metrics = context.backend.metrics.remove(mapping.path);
        let metrics = metrics
            .unwrap_or_else(|| BackendMetrics::Unavailable(NoMetrics::new(format!("{} was not read", mapping.path))));
        let ProofContext { store, backend, push_interval, must_prove } = &context;
        let (delivered, own) = delivery::check(run, metrics, backend).await;
        let scrapes = BackendScrapes::read(run, &own.exposed, store, backend).await;
        let excuses =
            Excuses { report, push_interval: *push_interval, no_scrapes: scrapes.excuse, exposed: &own.exposed };
        let mut queried = queries::check(catalogue, &source, store.is_own(), excuses).await;
        if !store.is_own() {
            let gaps = StoreGaps::find(catalogue, &source, scrapes, &queried).await;
            queried = gaps.add_to(queried, *must_prove);
        }
        let served = backend_metrics::served_routes(backend.source, mapping.path).await;
        let checks = vec![
            queried,
            delivered,
            same_counts::check(run, store.is_own(), *must_prove).await,
            clocks::check(run, &own.counted, backend.is_own).await,
            timeline::check(report, &source).await,
            coverage::check(catalogue, &own.exposed, served),
        ];
        let proof = Self { checks, finding: None };
        // The metrics of a backend that was started for this run are a check of their own.
        Ok(match own.exposed.unavailable_reason().filter(|_| !backend.is_own) {
            Some(missing) => proof.name_missing(report, missing),
            None => proof,
        })
    }

    /// The proof of a run whose metrics are not available.
    fn without_metrics(why: impl Into<String>) -> Self {
        Self { checks: vec![ProofCheck::not_applicable("metrics", why)], finding: None }
    }

    /// The proof of a run whose store cannot be asked.
    fn without_store(store: &ProofStore<'_>, error: &anyhow::Error, must_prove: bool) -> Self {
        let shown = prometheus_store::shown_url(&store.url);
        if !store.by_pods {
            let why = format!("the store has no query API at {shown} ({error:#}): name its URL with --prometheus-url");
            return Self::without_metrics(why);
        }
        let why = format!("this machine does not reach the store at {shown}, as the pods do ({error:#})");
        if must_prove {
            let wrong = vec![format!("{why}: run the command on a machine that reaches it, or remove --proof")];
            let checks = vec![ProofCheck::new("metrics", "not proved".to_owned(), wrong)];
            return Self { checks, finding: None };
        }
        Self::without_metrics(why)
    }

    pub(crate) fn into_result(self, is_verbose: bool) -> ProofResult {
        let failed = self.failed().map(|why| monitoring_problem(ExitCode::ProofFailed, FindingKind::ProofFailed, why));
        let text = Some(self.render(is_verbose));
        ProofResult { findings: failed.into_iter().chain(self.finding).collect(), text }
    }

    /// The proof with one finding of all that is not available because the backend has no metrics.
    fn name_missing(self, report: &Report, missing: &NoMetrics) -> Self {
        let lacks: Vec<_> = self.checks.iter().filter_map(|check| Some(check.lacks.as_ref()?.values)).collect();
        Self { finding: Some(no_backend_metrics(report, &missing.why, missing.remedy, &lacks)), ..self }
    }
}
