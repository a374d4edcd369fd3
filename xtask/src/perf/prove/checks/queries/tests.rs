//! Tests of `queries`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dashboards::queries::PlacedQuery;
use dashboards::query::Query;
use monitoring::endpoint::Endpoint;
use monitoring::excuse::Excuse;
use monitoring::intervals::PUSH_INTERVAL;
use monitoring::metric::Metric;
use monitoring::prometheus::{alerts, recording_rules};
use monitoring::span::Span;
use test_support::fake_server;
use test_support::objectives::CATALOGUE;
use test_support::shop::SHOP;
use url::Url;

use super::*;
use crate::backend::target_metrics::NoMetrics;
use crate::perf::prove::backend::backend_metrics::BackendMetrics;
use crate::perf::prove::backend::exposed_metrics::ExposedMetrics;

/// A store that has data for every query that does not contain `word`.
fn store_without(word: &'static str) -> QuerySource {
    let url = fake_server::respond(move |request| {
        let body = match (request.contains("/label/"), request.contains(word)) {
            _ if request.contains("/api/v1/rules") => rules(word),
            (true, _) => r#"{"data":["20261123-053057-basic-df39","basic"]}"#.to_owned(),
            (false, true) => r#"{"data":{"result":[]}}"#.to_owned(),
            (false, false) => r#"{"data":{"result":[{"value":[1,"1"]}]}}"#.to_owned(),
        };
        ("200 OK", body)
    });
    QuerySource::new(Url::parse(&url).unwrap(), None, &Default::default()).unwrap()
}

/// All rules except the one named `word`. The rule for the p95 of added items has an error.
fn rules(word: &str) -> String {
    let recording = recording_rules::recording_rules(&SHOP, &Timing::USUAL);
    let alerts = alerts::alerts(&SHOP, &Timing::USUAL);
    let names = recording.groups.into_iter().flat_map(|group| group.rules).map(|rule| rule.record);
    let names = names.chain(alerts.groups.into_iter().flat_map(|group| group.rules).map(|rule| rule.alert));
    let rules: Vec<_> = names
        .filter(|name| name != word)
        .map(|name| {
            let health = if name == "add_item_latency:p95" { "err" } else { "ok" };
            serde_json::json!({ "name": name, "health": health, "lastError": "many-to-many" })
        })
        .collect();
    serde_json::json!({ "data": { "groups": [{ "rules": rules }] } }).to_string()
}

#[tokio::test]
async fn a_missing_or_failing_rule_is_reported_by_name() {
    let report = test_support::report();
    let (exposed, source) = (everything(), store_without("get_offers_latency:p95"));
    let wrong = check(&SHOP, &source, true, excuses(&report, &exposed)).await.lines;
    assert!(wrong.contains(&"rule get_offers_latency:p95: Prometheus does not have it".to_owned()), "{wrong:?}");
    assert!(wrong.contains(&"rule add_item_latency:p95: many-to-many".to_owned()), "{wrong:?}");
}

fn everything() -> ExposedMetrics {
    ExposedMetrics::new(BackendMetrics::Unavailable(NoMetrics::default()), SHOP.mapping, true)
}

fn excuses<'a>(report: &'a Report, exposed: &'a ExposedMetrics) -> Excuses<'a> {
    Excuses { report, push_interval: PUSH_INTERVAL, no_scrapes: None, exposed }
}

async fn wrong_without(word: &'static str) -> Vec<String> {
    let report = test_support::report();
    check(&SHOP, &store_without(word), false, excuses(&report, &everything())).await.lines
}

#[tokio::test]
async fn a_missing_series_is_reported_for_each_panel_that_shows_it() {
    assert_eq!(wrong_without("nothing at all").await, Vec::<String>::new());
    let wrong = wrong_without(&Metric::vus().name.leak()[..]).await;
    let places: Vec<_> = wrong.iter().filter_map(|line| line.split(": no series").next()).collect();
    assert_eq!(places, ["panel \"Summary\", Q2", "panel \"Virtual users\", Q1", "annotation \"Run starts\""]);
    let wrong = wrong_without("get_offers_latency%3Ap95").await;
    assert_eq!(wrong, Vec::<String>::new(), "alerts may be empty");
    let wrong = wrong_without("le%3D%22300.0%22").await;
    let expected =
        "add_item: no series: panel \"Objectives over time\", Add item p95; rule slo:add_item:p95_under_300ms";
    assert!(wrong.contains(&expected.to_owned()), "{wrong:?}");
}

#[tokio::test]
async fn an_endpoint_without_data_is_one_line() {
    let wrong = wrong_without("get_offers_latency").await;
    let of_endpoint: Vec<_> = wrong.iter().filter(|line| line.contains("Offers") || line.contains("offers")).collect();
    assert_eq!(of_endpoint.len(), 1, "{wrong:?}");
    assert!(of_endpoint[0].starts_with("get_offers: no series: panel"), "{wrong:?}");
    assert!(of_endpoint[0].ends_with(" more"), "{wrong:?}");
}

#[tokio::test]
async fn no_line_shows_a_query() {
    let report = test_support::report();
    let url = fake_server::respond(|_| ("400 Bad Request", r#"{"status":"error","error":"bad"}"#.to_owned()));
    let source = QuerySource::new(Url::parse(&url).unwrap(), None, &Default::default()).unwrap();
    let check = check(&SHOP, &source, false, excuses(&report, &everything())).await;
    assert!(check.lines.iter().all(|line| !line.contains('{')), "{:?}", check.lines);
    assert!(check.queries.iter().any(|query| query.contains('{')), "the queries are kept for -v");
}

/// The endpoints whose series a query selects, found in its text.
fn mentioned<'a>(catalogue: &'a Catalogue, promql: &str) -> Vec<&'a str> {
    let spans = [Span::Latency, Span::ResponseTime, Span::Connecting, Span::WithConnecting, Span::FirstByte];
    let names = |endpoint: &Endpoint| {
        spans.map(|span| Metric::span(endpoint, span)).into_iter().chain([Metric::success(endpoint)])
    };
    let is_mentioned = |endpoint: &&Endpoint| names(endpoint).any(|metric| promql.contains(&metric.name));
    catalogue.endpoints.iter().filter(is_mentioned).map(|endpoint| endpoint.name).collect()
}

#[test]
fn every_query_says_which_endpoints_it_selects() {
    for catalogue in [&SHOP, &CATALOGUE] {
        let panels = queries::placed_queries(&service_dashboard::dashboard(catalogue));
        let (rules, panels) = (rule_queries(catalogue, &Timing::USUAL), panels.into_iter());
        for placed in panels.chain(rules) {
            let promql = placed.query.expr.to_string();
            assert_eq!(placed.query.subject.endpoints, mentioned(catalogue, &promql), "{}: {promql}", placed.place);
        }
    }
}

#[test]
fn queries_about_endpoints_that_are_not_requested_may_be_empty() {
    let (mut report, exposed) = (test_support::report(), everything());
    report.endpoints.retain(|endpoint| endpoint.name == "get_offers");
    let run = RunWindow { from_ms: report.run.started_unix_ms, to_ms: report.run.ended_unix_ms };
    let mut counts = (0, 0);
    for placed in queries::placed_queries(&service_dashboard::dashboard(&SHOP)) {
        let placed = PlacedQuery { query: Query { excuse: None, ..placed.query }, ..placed };
        let endpoints = &placed.query.subject.endpoints;
        let expected = (!endpoints.is_empty() && !endpoints.contains(&"get_offers")).then_some(Excuse::NotRequested);
        assert_eq!(excuses(&report, &exposed).find(&placed, run), expected, "{}", placed.place);
        *if expected.is_some() { &mut counts.0 } else { &mut counts.1 } += 1;
    }
    assert!(counts.0 > 10 && counts.1 > 10, "{counts:?}");
}

#[tokio::test]
async fn a_slow_store_gets_several_queries_at_once() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let url = fake_server::respond(|_| {
        MOST.fetch_max(NOW.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(10));
        NOW.fetch_sub(1, Ordering::Relaxed);
        ("200 OK", r#"{"data":{"result":[]}}"#.to_owned())
    });
    let source = QuerySource::new(Url::parse(&url).unwrap(), None, &Default::default()).unwrap();
    let (report, exposed) = (test_support::report(), everything());
    check(&SHOP, &source, false, excuses(&report, &exposed)).await;
    let most = MOST.load(Ordering::Relaxed);
    assert!((2..=AT_ONCE).contains(&most), "{most} queries were under way");
}
