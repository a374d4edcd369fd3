//! The proof after a run: that what people look at has an answer, that no request got lost on the way to the store or the
//! backend, that the store gives the verdict's own numbers, and what the backend's clock says of the same requests.

mod backend_metrics;
mod clocks;
mod delivery;
mod grafana;
mod ledger;
mod queries;
mod source;
mod timeline;
mod window;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::promql::{Expr, Selector, Window as Range};
use monitoring::sanitize::sanitize;
use monitoring::{objective_counters, services};
use perf_report::{EndpointResult, Report};
use prometheus_store::StoreAccess;
use serde::Serialize;
use url::Url;

use crate::clock::Moment;
use crate::files;
use backend_metrics::BackendMetrics;
use clocks::ClockComparison;
use ledger::BackendTraffic;
pub(crate) use queries::unanswered;
pub(crate) use source::Source;

/// More lines than this nobody reads on a terminal.
const SHOWN_LINES: usize = 10;

/// What is needed before load begins: the backend's counters as they are then.
#[derive(Debug)]
pub(crate) struct Before {
    backend: BackendMetrics,
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum ProofItemOutcome {
    Shown,
    Failed,
    NotApplicable,
}

/// One check of the proof, with its figures.
#[derive(Debug, Clone, Serialize)]
struct ProofItem {
    name: &'static str,
    outcome: ProofItemOutcome,
    /// The figures, or why it does not apply.
    figures: String,
    /// What is wrong, or should be known.
    lines: Vec<String>,
    /// What was rightly without data, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    excused: Vec<String>,
    /// What both clocks say, endpoint by endpoint.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clocks: Vec<ClockComparison>,
}

impl ProofItem {
    fn new(name: &'static str, figures: String, wrong: Vec<String>) -> Self {
        let outcome = if wrong.is_empty() { ProofItemOutcome::Shown } else { ProofItemOutcome::Failed };
        Self { name, outcome, figures, lines: wrong, excused: Vec::new(), clocks: Vec::new() }
    }

    fn not_applicable(name: &'static str, why: impl Into<String>) -> Self {
        Self {
            name,
            outcome: ProofItemOutcome::NotApplicable,
            figures: why.into(),
            lines: Vec::new(),
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

/// Whose backend and store a run had.
#[derive(Debug, Clone)]
pub(crate) struct ProofContext<'a> {
    pub(crate) prometheus: Url,
    /// Somebody said that it answers queries there; else that is the origin of where metrics are pushed to, and a guess.
    pub(crate) is_named: bool,
    pub(crate) grafana: Option<&'a Url>,
    pub(crate) target: &'a Url,
    /// How the store is told who asks.
    pub(crate) access: &'a StoreAccess,
    /// The backend is ours, started for this run: nobody else makes requests to it, and it has metrics.
    pub(crate) own_backend: bool,
    /// The store is ours: it has our rules.
    pub(crate) own_store: bool,
    /// The store is in a container with a network of its own.
    pub(crate) on_a_bridge: bool,
    /// Answers with a redirect are followed, and so come from other handlers than the endpoint's.
    pub(crate) follows_redirects: bool,
}

/// Reads what the backend has counted so far.
pub(crate) async fn before(target: &Url) -> Before {
    Before { backend: backend_metrics::read(target).await }
}

/// Proves what there is to prove.
///
/// # Errors
/// If there is no way to put questions at all.
pub(crate) async fn prove(report: &Report, before: Before, context: ProofContext<'_>) -> anyhow::Result<Proof> {
    let source = Source::new(context.prometheus.clone(), context.grafana.cloned(), context.access)?;
    if report.store.as_ref().is_none_or(|store| !store.complete) {
        // That is said already, and there is nothing to prove by metrics that did not arrive.
        let why = "the store does not have the final counts of this run";
        return Ok(Proof { checks: vec![ProofItem::not_applicable("metrics", why)] });
    }
    let Some(catalogue) = services::find(&report.service) else {
        let why =
            format!("{} is not among monitoring/src/services, so it has no rules and no dashboard", report.service);
        return Ok(Proof { checks: vec![ProofItem::not_applicable("metrics", why)] });
    };
    if let (false, Err(error)) = (context.is_named, source.value("vector(1)", now_ms()).await) {
        let shown = prometheus_store::shown_url(&context.prometheus);
        let why = format!("no query is answered at {shown} ({error:#}): say where one is, by --prometheus-url");
        return Ok(Proof { checks: vec![ProofItem::not_applicable("metrics", why)] });
    }
    let scraped = queries::scraped(report, &before.backend, &source, &context).await;
    let (delivered, own) = ledger::check(report, before.backend, &source, &context).await;
    let checks = vec![
        queries::check((catalogue, report), &source, context.own_store, scraped).await,
        delivered,
        same_answer(catalogue, report, &source).await,
        clocks::check(report, &source, &own.counted).await,
        timeline::check(report, &source).await,
        coverage(catalogue, &own, backend_metrics::served_routes(context.target).await),
    ];
    Ok(Proof { checks })
}

/// The endpoints that the run requested, and what the catalogue says of them.
fn requested(report: &Report) -> impl Iterator<Item = (&EndpointResult, &'static Endpoint)> {
    let catalogue = services::find(&report.service);
    report.endpoints.iter().filter_map(move |result| Some((result, catalogue?.endpoint(&result.name)?)))
}

/// A run's last values, whenever it is asked for them.
fn last_value_of_run(report: &Report, series: Selector) -> Expr {
    let since = u64::try_from(now_ms() - report.started_unix_ms).unwrap_or_default().div_ceil(1_000) + 60;
    series.last(Range::Fixed(Duration::from_secs(since))).sum()
}

/// Each objective's good and total requests, by the report and by Prometheus.
async fn same_answer(catalogue: &Catalogue, report: &Report, source: &Source) -> ProofItem {
    const CHECK: &str = "same answer";
    let Some(at) = report.store.as_ref().and_then(|store| store.last_push_unix_ms) else {
        return ProofItem::new(
            CHECK,
            "nothing was pushed".to_owned(),
            vec!["the store has no final counts".to_owned()],
        );
    };
    let (mut wrong, mut asked) = (Vec::new(), 0);
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
        asked += 1;
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
    let of_backend = if values > 0 { format!("; {values} values of the backend's own") } else { String::new() };
    let figures = format!("good and total of {asked} objectives, by the report and by Prometheus{of_backend}");
    ProofItem::new(CHECK, figures, wrong)
}

/// Values of the backend's own metrics that objectives are about: how many, and where Prometheus gives others for the time
/// at which it was asked before.
async fn same_values(catalogue: &Catalogue, report: &Report, source: &Source) -> (usize, Vec<String>) {
    let (mut asked, mut wrong) = (0, Vec::new());
    for objective in &report.objectives {
        let slo = catalogue.backend.iter().find(|slo| slo.id() == objective.id);
        let (Some(slo), Some(measured)) = (slo, objective.backend_value()) else { continue };
        asked += 1;
        let expr = slo.over_run(Duration::from_secs(measured.over_s)).to_string();
        match source.value(&expr, measured.at_unix_ms).await {
            // The same samples, so that even the last digit is the same.
            Ok(Some(value)) if value == measured.value => {}
            Ok(value) => {
                wrong.push(format!("{}: {} in the report, {value:?} in Prometheus", objective.id, measured.value));
            }
            Err(error) => wrong.push(format!("{}: {error:#}", objective.id)),
        }
    }
    (asked, wrong)
}

/// Which routes the backend has answered for that no objective speaks of. That is for people to judge, and no failure.
fn coverage(catalogue: &Catalogue, own: &BackendTraffic, served: Option<BTreeSet<String>>) -> ProofItem {
    const CHECK: &str = "coverage";
    let (routes, known) = match &served {
        Some(routes) => (routes, "of its OpenAPI document"),
        None => (&own.routes, "that were asked for"),
    };
    if routes.is_empty() {
        return ProofItem::not_applicable(CHECK, "the backend does not tell its routes");
    }
    let promised = |route: &&String| {
        catalogue
            .slos
            .iter()
            .filter_map(|slo| slo.endpoint())
            .any(|endpoint| route.split_once(' ') == Some((endpoint.method.as_str(), endpoint.handler())))
    };
    let (with, without): (Vec<_>, Vec<_>) = routes.iter().partition(promised);
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
    /// What was shown not to work, in words; none if nothing was.
    pub(crate) fn failed(&self) -> Option<String> {
        let failed = self.checks.iter().filter(|check| check.outcome == ProofItemOutcome::Failed);
        let words = |check: &ProofItem| match check.lines.as_slice() {
            [] => check.name.to_owned(),
            [only] => format!("{}: {only}", check.name),
            [first, rest @ ..] => format!("{}: {first}, and {} more", check.name, rest.len()),
        };
        let words: Vec<_> = failed.map(words).collect();
        (!words.is_empty()).then(|| format!("the proof failed: {}", words.join("; ")))
    }

    /// The checks with their figures, as they stand on the terminal.
    pub(crate) fn render(&self) -> String {
        let mut text = "proof".to_owned();
        for ProofItem { name, outcome, figures, lines, .. } in &self.checks {
            let sign = match outcome {
                ProofItemOutcome::Shown => "✓ shown ",
                ProofItemOutcome::Failed => "✗ failed",
                ProofItemOutcome::NotApplicable => "– n/a   ",
            };
            let _ = write!(text, "\n {sign}  {name:<13}  {figures}");
            // One cause often shows in many places, and the first few tell it.
            for line in lines.iter().take(SHOWN_LINES) {
                let _ = write!(text, "\n             {:<13}  {line}", "");
            }
            if lines.len() > SHOWN_LINES {
                let _ =
                    write!(text, "\n             {:<13}  … and {} more, in proof.json", "", lines.len() - SHOWN_LINES);
            }
        }
        // Names of routes and complaints are a backend's and a store's.
        sanitize(&text)
    }

    /// Keeps it in the run's folder.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        files::write_json(&folder.join("proof.json"), self)
    }
}
