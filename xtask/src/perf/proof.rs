//! The proof after a run.
//!
//! It checks that every query of dashboards and rules has data, that no request was lost on the way
//! to the store or the backend, and that the store has the numbers of the verdict. It compares the
//! client's latencies with those of the backend's own clock.

mod backend_metrics;
mod clocks;
mod delivery;
mod endpoint_counters;
mod excuses;
mod grafana;
mod ledger;
mod offer;
mod queries;
mod query_tally;
mod source;
mod store_setup;
#[cfg(test)]
mod tests;
mod timeline;
mod window;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use dashboards::queries::Place;
use monitoring::backend_mapping::BackendMapping;
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::excuse::Excuse;
use monitoring::promql::{Expr, Selector, Window as Range};
use monitoring::sanitize::sanitize;
use monitoring::{objective_counters, services};
use perf_report::Report;
use perf_report::judgement::EndpointResult;
use perf_settings::UnixTarget;
use prometheus_store::StoreAccess;
use serde::{Serialize, Serializer};
use url::Url;

use crate::host::clock::Moment;
use crate::host::files;
use backend_metrics::{BackendMetrics, MetricsByPath};
use clocks::ClockComparison;
use excuses::Excuses;
use ledger::BackendTraffic;
pub(crate) use queries::empty_queries;
pub(crate) use source::Source;

/// Limit on the printed lines of a check.
const SHOWN_LINES: usize = 10;

/// The backend's counters before the load.
#[derive(Debug)]
pub(crate) struct CountersBefore {
    backend: MetricsByPath,
}

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum ProofItemOutcome {
    Shown,
    Failed,
    NotApplicable,
}

/// A query without data that may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ExcusedQuery {
    place: Place,
    excuse: Excuse,
}

/// Each query as "place: excuse".
fn excused_as_text<S: Serializer>(excused: &[ExcusedQuery], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(excused.iter().map(|query| format!("{}: {}", query.place, query.excuse)))
}

/// One check of the proof, with its figures.
#[derive(Debug, Clone, Serialize)]
struct ProofItem {
    name: &'static str,
    outcome: ProofItemOutcome,
    /// The figures, or the reason why the check does not apply.
    figures: String,
    /// Problems and notes.
    lines: Vec<String>,
    /// The PromQL queries of the lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queries: Vec<String>,
    /// Queries without data that may be empty.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "excused_as_text")]
    excused: Vec<ExcusedQuery>,
    /// The latencies by both clocks, by endpoint.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clocks: Vec<ClockComparison>,
}

impl ProofItem {
    fn new(name: &'static str, figures: String, wrong: Vec<String>) -> Self {
        let outcome = if wrong.is_empty() { ProofItemOutcome::Shown } else { ProofItemOutcome::Failed };
        Self { name, outcome, figures, lines: wrong, queries: Vec::new(), excused: Vec::new(), clocks: Vec::new() }
    }

    fn not_applicable(name: &'static str, why: impl Into<String>) -> Self {
        Self {
            name,
            outcome: ProofItemOutcome::NotApplicable,
            figures: why.into(),
            lines: Vec::new(),
            queries: Vec::new(),
            excused: Vec::new(),
            clocks: Vec::new(),
        }
    }
}

/// The proof of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Proof {
    checks: Vec<ProofItem>,
}

/// The backend and the store of a run.
#[derive(Debug, Clone)]
pub(crate) struct ProofContext<'a> {
    /// The URL for queries.
    pub(crate) prometheus: Url,
    /// Whether the query URL is known. Otherwise it is a guess: the origin of the URL for pushes.
    pub(crate) is_named: bool,
    pub(crate) grafana: Option<&'a Url>,
    pub(crate) target: &'a Url,
    /// The credentials for the store.
    pub(crate) access: &'a StoreAccess,
    /// Whether the backend was started for this run. It then
    /// has metrics, and no other client uses it.
    pub(crate) own_backend: bool,
    /// Whether the store is this clone's stack, which has our rules.
    pub(crate) own_store: bool,
    /// The time between two pushes.
    pub(crate) push_interval: Duration,
    /// Whether a store without our rules fails the proof, because a proof was asked for.
    pub(crate) must_prove: bool,
    /// Whether the store is in a container with a network of its own.
    pub(crate) on_a_bridge: bool,
    /// The mapping of the backend's metrics, if the command line names one.
    pub(crate) mapping: Option<BackendMapping>,
    /// Whether redirects are followed. Responses may then come
    /// from other handlers than the endpoint's.
    pub(crate) follows_redirects: bool,
}

/// Reads the backend's counters before the load.
pub(crate) async fn before(target: &Url, mapping: Option<BackendMapping>) -> CountersBefore {
    CountersBefore { backend: backend_metrics::read_all(target, mapping).await }
}

/// Makes all checks.
///
/// # Errors
/// If no client for the store or Grafana can be made. A failed check is not an error.
pub(crate) async fn prove(
    report: &Report,
    mut before: CountersBefore,
    context: ProofContext<'_>,
) -> anyhow::Result<Proof> {
    let source = Source::new(context.prometheus.clone(), context.grafana.cloned(), context.access)?;
    if report.store.as_ref().is_none_or(|store| !store.complete) {
        // The report has a finding about that. Without the metrics, no check is possible.
        let why = "the store does not have the final counts of this run";
        return Ok(Proof { checks: vec![ProofItem::not_applicable("metrics", why)] });
    }
    let Some(catalogue) = services::find(&report.service) else {
        let why =
            format!("monitoring/src/services has no service {}, so it has no rules and no dashboard", report.service);
        return Ok(Proof { checks: vec![ProofItem::not_applicable("metrics", why)] });
    };
    if let (false, Err(error)) = (context.is_named, source.value("vector(1)", now_ms()).await) {
        let shown = prometheus_store::shown_url(&context.prometheus);
        let why = format!("the store has no query API at {shown} ({error:#}): name its URL with --prometheus-url");
        return Ok(Proof { checks: vec![ProofItem::not_applicable("metrics", why)] });
    }
    let mapping = context.mapping.unwrap_or(catalogue.mapping);
    let catalogue = &Catalogue { mapping, ..*catalogue };
    let metrics = before.backend.remove(mapping.path);
    let metrics = metrics.unwrap_or_else(|| BackendMetrics::Mute(format!("{} was not read", mapping.path)));
    let has_metrics = !matches!(metrics, BackendMetrics::Mute(_));
    let (delivered, own) = ledger::check(report, (mapping, metrics), &source, &context).await;
    let scraped = match UnixTarget::of(context.target) {
        Some(_) => Some(Excuse::UnixSocket),
        None => queries::why_not_scraped(report, &own.offer, &source, &context).await,
    };
    let excuses = Excuses { report, push_interval: context.push_interval, no_scrapes: scraped, offer: &own.offer };
    let mut queried = queries::check(catalogue, &source, context.own_store, excuses).await;
    if !context.own_store {
        store_setup::add(&mut queried, (catalogue, has_metrics), &source, context.must_prove).await;
    }
    let checks = vec![
        queried,
        delivered,
        same_answer(catalogue, report, &source).await,
        clocks::check(report, &source, &own.counted).await,
        timeline::check(report, &source).await,
        coverage(catalogue, &own, backend_metrics::served_routes(context.target, mapping.path).await),
    ];
    Ok(Proof { checks })
}

/// The results of the requested endpoints, each with its endpoint in the catalogue.
fn requested(report: &Report) -> impl Iterator<Item = (&EndpointResult, &'static Endpoint)> {
    let catalogue = services::find(&report.service);
    report.endpoints.iter().filter_map(move |result| Some((result, catalogue?.endpoint(&result.name)?)))
}

/// The sum of the last values of a run's series, at any time after the run.
fn last_value_of_run(report: &Report, series: Selector) -> Expr {
    let since = u64::try_from(now_ms() - report.started_unix_ms).unwrap_or_default().div_ceil(1_000) + 60;
    series.last(Range::Fixed(Duration::from_secs(since))).sum()
}

/// Checks that Prometheus has each objective's good and total requests of the report.
async fn same_answer(catalogue: &Catalogue, report: &Report, source: &Source) -> ProofItem {
    const CHECK: &str = "same counts";
    let Some(at) = report.store.as_ref().and_then(|store| store.last_push_unix_ms) else {
        return ProofItem::new(
            CHECK,
            "nothing was pushed".to_owned(),
            vec!["the store has no final counts".to_owned()],
        );
    };
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for objective in &report.objectives {
        let Some(tally) = objective.tally() else { continue };
        let Some(slo) = catalogue.slo(&objective.id) else { continue };
        let (good, total) = objective_counters::of_run(slo, &report.testid);
        let mut values = [0; 2];
        for (value, expr) in values.iter_mut().zip([good, total]) {
            match source.value(&expr.to_string(), at).await {
                Ok(found) => *value = whole(found.unwrap_or_default()),
                Err(error) => wrong.push(format!("{}: {error:#}", objective.id)),
            }
        }
        compared += 1;
        if values != [tally.good, tally.total] {
            let [good, total] = values;
            wrong.push(format!(
                "{}: {} of {} in the report, {good} of {total} in Prometheus",
                objective.id, tally.good, tally.total
            ));
        }
    }
    let (values, differ) = same_values(catalogue, report, source).await;
    wrong.extend(differ);
    let of_backend = if values > 0 { format!(", and {values} values of backend metrics") } else { String::new() };
    let figures =
        format!("good and total requests of {compared} objectives, report compared with Prometheus{of_backend}");
    ProofItem::new(CHECK, figures, wrong)
}

/// The largest difference between two results of one query: relative above 1, else absolute.
/// Prometheus adds the series up in any order, and the last digits of a sum of floats depend on the
/// order.
const TOLERANCE: f64 = 1e-9;

/// Whether two results of one query are the same: whole numbers exactly, others within the
/// tolerance.
fn is_same_value(one: f64, other: f64) -> bool {
    let whole = one.fract() == 0.0 && other.fract() == 0.0;
    let tolerance = if whole { 0.0 } else { TOLERANCE * one.abs().max(other.abs()).max(1.0) };
    one.total_cmp(&other).is_eq() || (one - other).abs() <= tolerance
}

/// Checks that Prometheus has the values of objectives about the backend's metrics, at the time of
/// the report's query.
///
/// Gives the number of values, and the differences.
async fn same_values(catalogue: &Catalogue, report: &Report, source: &Source) -> (usize, Vec<String>) {
    let (mut compared, mut wrong) = (0, Vec::new());
    for objective in &report.objectives {
        let slo = catalogue.backend.iter().find(|slo| slo.id() == objective.id);
        let (Some(slo), Some(measured)) = (slo, objective.backend_value()) else { continue };
        compared += 1;
        let expr = slo.over_run(Duration::from_secs(measured.over_s)).to_string();
        match source.value(&expr, measured.at_unix_ms).await {
            Ok(Some(value)) if is_same_value(value, measured.value) => {}
            Ok(value) => {
                let value = value.map_or_else(|| "no value".to_owned(), |value| value.to_string());
                wrong.push(format!("{}: {} in the report, {value} in Prometheus", objective.id, measured.value));
            }
            Err(error) => wrong.push(format!("{}: {error:#}", objective.id)),
        }
    }
    (compared, wrong)
}

/// Whether a route, such as "GET /api/news", is an endpoint's. Not every backend has the method.
fn has_route(mapping: &BackendMapping, endpoint: &Endpoint, route: &str) -> bool {
    let (method, path) = route.split_once(' ').unwrap_or((endpoint.method.as_str(), route));
    method == endpoint.method.as_str() && (path == endpoint.handler() || path == mapping.route(endpoint))
}

/// Lists the backend's routes that have no objective. They do not fail the proof.
fn coverage(catalogue: &Catalogue, own: &BackendTraffic, served: Option<BTreeSet<String>>) -> ProofItem {
    const CHECK: &str = "coverage";
    let requested = own.offer.routes();
    let (routes, known) = match &served {
        Some(routes) => (routes, "of its OpenAPI document"),
        None => (&requested, "that were requested"),
    };
    if routes.is_empty() {
        return ProofItem::not_applicable(CHECK, "the backend's routes are unknown");
    }
    let has_objective = |route: &&String| {
        catalogue
            .slos
            .iter()
            .filter_map(|slo| slo.endpoint())
            .any(|endpoint| has_route(&catalogue.mapping, endpoint, route))
    };
    let (with, without): (Vec<_>, Vec<_>) = routes.iter().partition(has_objective);
    let named = if without.is_empty() {
        String::new()
    } else {
        let names: Vec<_> = without.iter().map(|route| route.as_str()).collect();
        format!("; without: {}", names.join(", "))
    };
    let figures = format!("{} of {} routes {known} have an objective{named}", with.len(), routes.len());
    ProofItem::new(CHECK, figures, Vec::new())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counters are whole and not negative")]
fn whole(value: f64) -> u64 {
    value as u64
}

fn now_ms() -> i64 {
    Moment::now().0
}

impl Proof {
    /// The message about failed checks; `None` if no check failed.
    pub(crate) fn failed(&self) -> Option<String> {
        let failed = self.checks.iter().filter(|check| check.outcome == ProofItemOutcome::Failed);
        let describe = |check: &ProofItem| match check.lines.as_slice() {
            [] => check.name.to_owned(),
            [only] => format!("{}: {only}", check.name),
            [first, rest @ ..] => format!("{}: {first}, and {} more", check.name, rest.len()),
        };
        let failures: Vec<_> = failed.map(describe).collect();
        (!failures.is_empty()).then(|| format!("the proof failed: {} (see proof.json)", failures.join("; ")))
    }

    /// The checks with their figures, for the terminal. PromQL is shown only if asked for.
    pub(crate) fn render(&self, verbose: bool) -> String {
        let mut text = "proof".to_owned();
        for ProofItem { name, outcome, figures, lines, queries, .. } in &self.checks {
            let (sign, word) = match outcome {
                ProofItemOutcome::Shown => ('✓', ""),
                ProofItemOutcome::Failed => ('✗', "failed: "),
                ProofItemOutcome::NotApplicable => ('–', "not available: "),
            };
            let _ = write!(text, "\n{sign} {name}: {word}{figures}");
            // One cause often has many lines; the first few are enough to find it.
            for line in lines.iter().take(SHOWN_LINES) {
                let _ = write!(text, "\n  {line}");
            }
            if lines.len() > SHOWN_LINES {
                let _ = write!(text, "\n  and {} more, in proof.json", lines.len() - SHOWN_LINES);
            }
            for query in queries.iter().filter(|_| verbose) {
                let _ = write!(text, "\n  {query}");
            }
        }
        // Route names and error messages come from the backend and the store.
        sanitize(&text)
    }

    /// Writes `proof.json` to the run's folder.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        files::write_json(&folder.join("proof.json"), self)
    }
}
