//! The fifth stage, the proof: checks that store and dashboards show the numbers of the report.
//!
//! Every query of dashboards and rules has data. No request was lost on the way to the store or the
//! backend. The store has the numbers of the verdict. The client's latencies are compared with
//! those of the backend's own clock.

mod backend_count;
mod backend_metrics;
mod backend_reader;
mod backend_scrapes;
mod clocks;
mod coverage;
mod delivery;
mod endpoint_account;
mod endpoint_clocks;
mod endpoint_counters;
mod excuses;
mod exposed_metrics;
mod grafana;
mod proof_item;
mod queries;
mod query_source;
mod query_tally;
mod render;
mod restart;
mod rules;
mod same_counts;
mod store_gaps;
#[cfg(test)]
mod tests;
mod timeline;
mod window;

use std::time::Duration;

use monitoring::backend_mapping::BackendMapping;
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::promql::{Expr, Selector, Window};
use monitoring::services;
use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::findings::no_backend_metrics;
use perf_report::judgement::EndpointResult;
use prometheus_store::StoreAccess;
use serde::Serialize;
use url::Url;

use super::args::ProofMode;
use super::judge::JudgedRun;
use super::plan::PerfPlan;
use super::services::Services;
use crate::backend::target_metrics::{MetricsSource, NoMetrics};
use crate::host::clock::Moment;
use backend_metrics::{BackendMetrics, MetricsByPath};
use backend_scrapes::BackendScrapes;
use excuses::Excuses;
use proof_item::ProofItem;
pub(crate) use queries::empty_queries;
pub(crate) use query_source::QuerySource;
use store_gaps::StoreGaps;

/// Time for which a backend's counters must stand still before they count as final.
const STILL: Duration = Duration::from_secs(20);

/// Reads everything that the proof needs from before the load. Returns `None` if there is no store
/// for queries, or if no proof is asked for.
pub(super) async fn before<'a>(plan: &'a PerfPlan, services: &'a Services) -> Option<ProofContext<'a>> {
    let (settings, stack) = (&plan.settings, &services.stack);
    if plan.proof == ProofMode::Skipped || !plan.sends() {
        return None;
    }
    let store = ProofStore {
        url: stack.prometheus.clone().or_else(|| settings.query_url())?,
        is_named: stack.prometheus.is_some() || settings.prometheus.is_some(),
        by_pods: settings.on_kubernetes,
        grafana: stack.grafana.as_ref(),
        access: &settings.store_access,
        is_own: stack.prometheus.is_some(),
        is_on_a_bridge: stack.is_on_a_bridge(),
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
    let (push_interval, must_prove) = (settings.push_interval, plan.proof == ProofMode::Required);
    Some(ProofContext { store, backend, push_interval, must_prove })
}

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
    pub(super) fn interrupted(report: &Report) -> Self {
        let finding = || Finding::interrupted("interrupted before the end of the proof");
        let is_unreported = !report.has(FindingKind::Interrupted);
        Self { findings: is_unreported.then(finding).into_iter().collect(), text: None }
    }
}

/// Whether a run has a proof. Otherwise a finding of its report says why its metrics are missing.
fn has_proof(report: &Report) -> bool {
    let is_stored = report.run.store.as_ref().is_some_and(|store| store.complete);
    report.was_loaded() && is_stored && !report.has(FindingKind::StoreLacksRun)
}

/// Makes the proof of a run, if it has one, and writes it to the run's folder.
pub(super) async fn run(plan: &PerfPlan, judged: &JudgedRun, context: Option<ProofContext<'_>>) -> ProofResult {
    let JudgedRun { folder, report, .. } = judged;
    let Some(context) = context.filter(|_| has_proof(report)) else { return ProofResult::default() };
    let mut signals = plan.signals.clone();
    let finding = |code, kind, message: String| Finding::problem(code, Subject::Monitoring, kind, message);
    let only = |finding| ProofResult { findings: vec![finding], text: None };
    let proof = tokio::select! {
        proof = prove(report, context) => match proof {
            Ok(proof) => proof,
            Err(error) => {
                let message = format!("failed to run the proof: {error:#}");
                return only(finding(ExitCode::Internal, FindingKind::ProofFailed, message));
            }
        },
        () = signals.interrupted() => return ProofResult::interrupted(report),
    };
    // If the proof cannot be written, it is still printed.
    let not_written = proof.write(folder).err();
    let not_written =
        not_written.map(|error| finding(ExitCode::Internal, FindingKind::ProofNotWritten, format!("{error:#}")));
    let result = proof.into_result(plan.is_verbose);
    ProofResult { findings: not_written.into_iter().chain(result.findings).collect(), ..result }
}

#[derive(Debug, Serialize)]
struct Proof {
    checks: Vec<ProofItem>,
    /// The warning that the backend has no metrics.
    #[serde(skip)]
    finding: Option<Finding>,
}

impl Proof {
    /// The proof of a run whose metrics are not available.
    fn without_metrics(why: impl Into<String>) -> Self {
        Self { checks: vec![ProofItem::not_applicable("metrics", why)], finding: None }
    }

    fn into_result(self, is_verbose: bool) -> ProofResult {
        let finding = |why| Finding::problem(ExitCode::ProofFailed, Subject::Monitoring, FindingKind::ProofFailed, why);
        let failed = self.failed().map(finding);
        let text = Some(self.render(is_verbose));
        ProofResult { findings: failed.into_iter().chain(self.finding).collect(), text }
    }

    /// The proof with one finding of all that is not available because the backend has no metrics.
    fn name_missing(self, report: &Report, missing: &NoMetrics) -> Self {
        let lacks: Vec<_> = self.checks.iter().filter_map(|check| Some(check.lacks.as_ref()?.values)).collect();
        Self { finding: Some(no_backend_metrics(report, &missing.why, missing.remedy, &lacks)), ..self }
    }
}

/// The store and the backend of a run, as they are known before the load.
pub(super) struct ProofContext<'a> {
    store: ProofStore<'a>,
    backend: ProofBackend<'a>,
    push_interval: Duration,
    /// Whether a store without our rules fails the proof, because a proof was asked for.
    must_prove: bool,
}

#[derive(Debug)]
struct ProofStore<'a> {
    /// The URL for queries.
    url: Url,
    /// Whether the query URL is known. Otherwise it is a guess: the origin of the URL for pushes.
    is_named: bool,
    /// Whether pods made the load. Their network may reach a store that this machine does not.
    by_pods: bool,
    grafana: Option<&'a Url>,
    access: &'a StoreAccess,
    /// Whether it is this clone's stack, which has our rules.
    is_own: bool,
    /// Whether it is in a container with a network of its own.
    is_on_a_bridge: bool,
}

struct ProofBackend<'a> {
    source: MetricsSource<'a>,
    /// Whether it was started for this run. It then has metrics, and no other client uses it.
    is_own: bool,
    /// The mapping of its metrics, if the command line names one.
    mapping: Option<BackendMapping>,
    /// Whether redirects are followed. Responses may then come
    /// from other handlers than the endpoint's.
    follows_redirects: bool,
    /// Its metrics before the load.
    metrics: MetricsByPath,
    /// Time for which its counters must stand still before they count as final.
    still: Duration,
    /// Whether no line says that the proof waits for it.
    quiet: bool,
}

impl ProofContext<'_> {
    /// The proof of a run whose store cannot be asked.
    fn without_store(&self, error: &anyhow::Error) -> Proof {
        let shown = prometheus_store::shown_url(&self.store.url);
        if !self.store.by_pods {
            let why = format!("the store has no query API at {shown} ({error:#}): name its URL with --prometheus-url");
            return Proof::without_metrics(why);
        }
        let why = format!("this machine does not reach the store at {shown}, as the pods do ({error:#})");
        if self.must_prove {
            let wrong = vec![format!("{why}: run the command on a machine that reaches it, or remove --proof")];
            let checks = vec![ProofItem::new("metrics", "not proved".to_owned(), wrong)];
            return Proof { checks, finding: None };
        }
        Proof::without_metrics(why)
    }
}

/// Makes all checks.
///
/// # Errors
/// If no client for the store or Grafana can be made. A failed check is not an error.
async fn prove(report: &Report, mut context: ProofContext<'_>) -> anyhow::Result<Proof> {
    let store = &context.store;
    let source = QuerySource::new(store.url.clone(), store.grafana.cloned(), store.access)?;
    let Some(catalogue) = services::find(&report.run.service) else {
        let why = format!(
            "monitoring/src/services has no service {}, so it has no rules and no dashboard",
            report.run.service
        );
        return Ok(Proof::without_metrics(why));
    };
    let is_doubtful = !store.is_named || store.by_pods;
    if is_doubtful && let Err(error) = source.value("vector(1)", now_ms()).await {
        return Ok(context.without_store(&error));
    }
    let mapping = context.backend.mapping.unwrap_or(catalogue.mapping);
    let catalogue = &Catalogue { mapping, ..*catalogue };
    let run = ProvenRun { catalogue, report, source: &source };
    let metrics = context.backend.metrics.remove(mapping.path);
    let metrics = metrics
        .unwrap_or_else(|| BackendMetrics::Unavailable(NoMetrics::new(format!("{} was not read", mapping.path))));
    let ProofContext { store, backend, push_interval, must_prove } = &context;
    let (delivered, own) = delivery::check(run, metrics, backend).await;
    let scrapes = BackendScrapes::read(report, &own.exposed, &source, &context).await;
    let excuses = Excuses { report, push_interval: *push_interval, no_scrapes: scrapes.excuse, exposed: &own.exposed };
    let mut queried = queries::check(catalogue, &source, store.is_own, excuses).await;
    if !store.is_own {
        let gaps = StoreGaps::find(catalogue, &source, scrapes, &queried).await;
        queried = gaps.add_to(queried, *must_prove);
    }
    let served = backend_metrics::served_routes(backend.source.target, mapping.path).await;
    let checks = vec![
        queried,
        delivered,
        same_counts::check(run, *must_prove).await,
        clocks::check(run, &own.counted, backend.is_own).await,
        timeline::check(report, &source).await,
        coverage::check(catalogue, &own.exposed, served),
    ];
    let proof = Proof { checks, finding: None };
    // The metrics of a backend that was started for this run are a check of their own.
    Ok(match own.exposed.missing().filter(|_| !backend.is_own) {
        Some(missing) => proof.name_missing(report, missing),
        None => proof,
    })
}

/// A run that is proven: its service with the mapping of the run, and the store that is asked.
#[derive(Debug, Clone, Copy)]
struct ProvenRun<'a> {
    catalogue: &'a Catalogue,
    report: &'a Report,
    source: &'a QuerySource,
}

impl<'a> ProvenRun<'a> {
    /// The results of the requested endpoints, each with its endpoint in the catalogue.
    fn requested(self) -> impl Iterator<Item = (&'a EndpointResult, &'static Endpoint)> {
        self.report.endpoints.iter().filter_map(move |result| Some((result, self.catalogue.endpoint(&result.name)?)))
    }
}

/// The sum of the last values of a run's series, at any time after the run.
fn last_value_of_run(report: &Report, series: Selector) -> Expr {
    series.last(since_start(report)).sum()
}

/// The window from the start of a run to now.
fn since_start(report: &Report) -> Window {
    let since = u64::try_from(now_ms() - report.run.started_unix_ms).unwrap_or_default().div_ceil(1_000) + 60;
    Window::Fixed(Duration::from_secs(since))
}

/// Limit on a count. A sum over the most series of a text fits in 64 bits.
const MAX_COUNT: f64 = 1e13;

/// Whether a backend's value can be a count or a sum of durations: not NaN, infinite or negative.
fn is_count(value: f64) -> bool {
    (0.0..=MAX_COUNT).contains(&value)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counters are whole and not negative")]
fn whole(value: f64) -> u64 {
    value.clamp(0.0, MAX_COUNT) as u64
}

fn now_ms() -> i64 {
    Moment::now().0
}
