//! The terminal text of common situations, at 80 and 120 columns. The first line tells the cause.
//!
//! The proof of each is made anew, against a store and a backend that have the numbers of the
//! report.

use std::fmt::Write as _;

use dashboards::queries::QueryPlace;
use monitoring::label::{NAME, STATUS, TESTID};
use monitoring::metric::{Metric, RequestPart};
use monitoring::prometheus::recording_rules::Timing;
use perf_report::Millis;
use perf_report::gate::Gate;
use perf_report::read::{read_comparison, read_report};
use perf_report::render::terminal::{TerminalStyle, render_result};
use prometheus_store::exposition;

use super::super::backend::backend_metrics::MetricsReading;
use super::super::checks::rules::rule_queries;
use super::*;
use crate::perf::compare::BaselineComparison;
use crate::perf::publish::{ConcludedRun, EndedRun};

/// Results of the requested endpoints, each with its endpoint.
fn requested(report: &Report) -> Vec<(&EndpointResult, &'static Endpoint)> {
    let catalogue = services::find(&report.run.service).unwrap();
    let sent = report.endpoints.iter().filter(|result| result.requests.sent > 0);
    sent.filter_map(|result| Some((result, catalogue.endpoint(&result.name)?))).collect()
}

/// The backend's metrics before the load, or after it.
fn exposed(report: &Report, is_after: bool) -> String {
    let mut text = backend_text::start_time();
    for (result, endpoint) in requested(report) {
        let labels = format!("handler=\"{}\",method=\"{}\"", endpoint.handler(), endpoint.method.as_str());
        let all = if is_after { result.requests.sent } else { 0 };
        for (status, count) in &result.by_status {
            let (class, count) = (&status.to_string()[..1], if is_after { *count } else { 0 });
            let _ = writeln!(text, "http_requests_total{{{labels},status=\"{class}xx\"}} {count}");
        }
        let duration = "http_request_duration_seconds";
        for (le, seconds) in [("0.1", 0.1), ("0.5", 0.5), ("1", 1.0), ("+Inf", f64::INFINITY)] {
            let p95 = result.p95_ms.map_or(0.0, Millis::as_f64) / 1e3;
            let within = if p95 <= seconds { all } else { 0 };
            let _ = writeln!(text, "{duration}_bucket{{{labels},le=\"{le}\"}} {within}");
        }
        let mean = result.server_timing.map_or(0.0, |timing| timing.server_mean_ms) / 1e3;
        let sum = mean * f64::from(u32::try_from(all).unwrap());
        let _ = writeln!(text, "{duration}_sum{{{labels}}} {sum}\n{duration}_count{{{labels}}} {all}");
    }
    text
}

/// The store's results that are numbers of the report: part of a query, and its value.
fn known_values(report: &Report) -> Vec<(String, f64)> {
    let mut values = Vec::new();
    for (result, endpoint) in requested(report) {
        let series = |name: String| Selector::new(name).with(TESTID, &report.run.testid).with(NAME, endpoint.name);
        for (status, count) in &result.by_status {
            let counted = series(Metric::http_reqs().name).with(STATUS, status.to_string());
            values.push((counted.to_string(), f64::from(u32::try_from(*count).unwrap())));
        }
        let client_mean = result.server_timing.map_or(0.0, |timing| timing.client_mean_ms);
        values.push((series(Metric::latency(endpoint).sum()).to_string(), client_mean));
        for part in [RequestPart::Receiving, RequestPart::Sending] {
            values.push((series(Metric::part(part).sum()).to_string(), 0.0));
        }
    }
    let catalogue = services::find(&report.run.service).unwrap();
    for objective in &report.objectives {
        let slo = catalogue.backend_slos.iter().find(|slo| slo.id() == objective.id);
        if let Some((slo, measured)) = slo.zip(objective.backend_value()) {
            values.push((slo.during_run(Duration::from_secs(measured.over_s)).to_string(), measured.value));
        }
    }
    values
}

/// The names of all endpoints without requests.
fn unrequested(report: &Report) -> Vec<String> {
    report.endpoints.iter().filter(|result| result.requests.sent == 0).map(|result| result.name.clone()).collect()
}

/// A store that has the numbers of the report, and 1 for every other query. It has nothing of
/// endpoints without requests, and of a backend without metrics. No alert fires, and the load is
/// closed, so there are no arrivals.
fn store(report: &Report, has_metrics: bool) -> Url {
    let catalogue = services::find(&report.run.service).unwrap();
    let (known, labels) =
        (known_values(report), serde_json::json!({ "data": [report.run.testid, "basic"] }).to_string());
    let rules = rule_queries(catalogue, &Timing::USUAL);
    let name = |place: &QueryPlace| match place {
        QueryPlace::Rule(name) | QueryPlace::Alert(name) => name.clone(),
        other => panic!("{other} is not a rule"),
    };
    let loaded: Vec<_> =
        rules.iter().map(|rule| serde_json::json!({ "name": name(&rule.place), "health": "ok" })).collect();
    let loaded = serde_json::json!({ "data": { "groups": [{ "rules": loaded }] } }).to_string();
    let alerts = rules.iter().filter(|rule| matches!(rule.place, QueryPlace::Alert(_)));
    let alerts: Vec<_> = alerts.map(|alert| alert.query.expr.to_string()).collect();
    let unrequested = unrequested(report);
    let requested: Vec<_> = requested(report).iter().map(|(result, _)| result.name.clone()).collect();
    let names_any = |query: &str, names: &[String]| names.iter().any(|name| query.contains(name.as_str()));
    let is_empty = move |query: &str| {
        let is_of_others = names_any(query, &unrequested) && !names_any(query, &requested);
        is_of_others || !has_metrics && query.contains("job=\"backend\"") || query.contains("iteration_lateness")
    };
    let url = fake_server::respond(move |request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let asked = Url::parse("http://store").unwrap().join(path).unwrap();
        let query = asked.query_pairs().find(|(name, _)| name == "query").map(|(_, query)| query.into_owned());
        let value = |query: &str| known.iter().find(|(part, _)| query.contains(part)).map_or(1.0, |(_, value)| *value);
        let body = match query {
            None if path.contains("/rules") => loaded.clone(),
            None => labels.clone(),
            Some(query) if alerts.contains(&query) || is_empty(&query) => r#"{"data":{"result":[]}}"#.to_owned(),
            Some(query) => format!(r#"{{"data":{{"result":[{{"value":[1,"{}"]}}]}}}}"#, value(&query)),
        };
        ("200 OK", body)
    });
    Url::parse(&url).unwrap()
}

/// The proof of a run of `cargo xtask perf --stack native --target URL`.
async fn proof(report: &Report, has_metrics: bool) -> Proof {
    let after = exposed(report, true);
    let target = fake_server::respond(move |request| match has_metrics && request.starts_with("GET /metrics") {
        true => ("200 OK", after.clone()),
        false => ("404 Not Found", "{}".to_owned()),
    });
    let target = Url::parse(&target).unwrap();
    let mapping = services::find(&report.run.service).unwrap().mapping;
    let backend = match has_metrics {
        true => BackendMetrics::One(MetricsReading::new(exposition::parse(&exposed(report, false)).unwrap())),
        false => backend_metrics::read(&target, mapping.path, &[mapping]).await,
    };
    let access = StoreAccess::default();
    let (url, metrics) = (store(report, has_metrics), [(mapping.path, backend)].into());
    let store = super::own_store(url, &access);
    let backend = ProofBackend { metrics, ..super::backend(&target) };
    let context = ProofContext { store, backend, push_interval: Duration::from_secs(5), must_prove: false };
    Proof::make(report, context).await.unwrap()
}

/// The end of a run, as `cargo xtask perf` reaches it: after its proof and its comparison.
async fn end(situation: &str) -> EndedRun {
    let mut report = read_report(&test_support::situation(situation, "").unwrap()).unwrap();
    report.findings.retain(|finding| finding.kind != FindingKind::ChangedFromBaseline);
    let compared = match test_support::situation(situation, "_comparison") {
        Some(text) => BaselineComparison::Comparison(Box::new(read_comparison(&text).unwrap())),
        None => BaselineComparison::NotRequested,
    };
    let is_proven = has_proof(&report) && !report.has(FindingKind::Interrupted);
    let proof = match is_proven {
        true => proof(&report, situation != "without_routes").await.into_result(false),
        false => ProofResult::default(),
    };
    let judged = JudgedRun { folder: "target/perf/20261129-basic".into(), report, test_failed: None };
    EndedRun { judged, proof, compared }
}

/// Texts of a situation at both widths.
async fn texts(situation: &str) -> String {
    let grafana = Url::parse("http://127.0.0.1:3001").unwrap();
    let mut run = ConcludedRun::new(end(situation).await, Gate::Both, None, Some(&grafana));
    // A link is not broken, and the one of a run is wider than a terminal.
    run.dashboard.iter_mut().for_each(|link| link.set_query(None));
    let texts = [80, 120].map(|width| {
        let text = render_result(&run.result(), TerminalStyle { width, ..TerminalStyle::PLAIN });
        let text = format!("{}\n{}", text.trim_start(), run.verdict());
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width, "a line has {widest} of {width} columns:\n{text}");
        format!("{}\n{text}", "-".repeat(width))
    });
    texts.join("\n\n")
}

#[tokio::test]
async fn a_met_run() {
    insta::assert_snapshot!(texts("met").await);
}

#[tokio::test]
async fn a_missed_objective() {
    insta::assert_snapshot!(texts("missed").await);
}

#[tokio::test]
async fn several_missed_objectives() {
    insta::assert_snapshot!(texts("several_missed").await);
}

#[tokio::test]
async fn too_few_requests() {
    insta::assert_snapshot!(texts("too_few").await);
}

#[tokio::test]
async fn a_failed_setup() {
    insta::assert_snapshot!(texts("failed_setup").await);
}

#[tokio::test]
async fn a_target_without_the_routes() {
    insta::assert_snapshot!(texts("without_routes").await);
}

#[tokio::test]
async fn a_store_that_is_gone() {
    insta::assert_snapshot!(texts("store_gone").await);
}

#[tokio::test]
async fn an_interrupted_run() {
    insta::assert_snapshot!(texts("interrupted").await);
}

#[tokio::test]
async fn a_regressed_run() {
    insta::assert_snapshot!(texts("regressed").await);
}
