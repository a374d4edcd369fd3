//! Tests of the series of a snapshot.

use std::collections::HashSet;
use std::time::Duration;

use test_support::shop::{ADD_ITEM, GET_OFFERS, SHOP};
use tokio::time::Instant;

use super::*;
use crate::measure::{DurationParts, Failure, Layout, Recorder, Sample, SampleKey, Segments};
use crate::plan::constant_vus;

#[expect(clippy::disallowed_methods, reason = "any instant will do")]
fn snapshot() -> Snapshot {
    let mut recorder = Recorder::new(Layout::new(&SHOP, vec![false]));
    let due = Instant::now();
    for (ms, status, failure) in [
        (300, Some(200), None),
        (301, Some(200), None),
        (1, Some(500), Some(Failure::Status)),
        (2, None, Some(Failure::Refused)),
    ] {
        let finished = due + Duration::from_millis(ms);
        let at = SampleKey { part: 0, endpoint: 0, phase: Phase::Steady, late: false, segments: Segments::NONE };
        recorder.record(at, &Sample { status, failure, due, started: due, finished, parts: DurationParts::default() });
    }
    recorder.snapshot()
}

fn all() -> Vec<SeriesValue> {
    all_series(&snapshot())
}

fn all_series(snapshot: &Snapshot) -> Vec<SeriesValue> {
    let tags = [("team".to_owned(), "trading".to_owned())];
    let identity = SeriesIdentity::new("t1", "basic", &tags);
    let phases = constant_vus(1, Duration::from_secs(1)).plan("basic", 1, 1).unwrap().phases;
    series(&SHOP, &[ADD_ITEM, GET_OFFERS], &identity, &[(identity.clone(), phases)], snapshot)
}

fn value(series: &str) -> Option<f64> {
    value_in(&all(), series)
}

fn value_in(all: &[SeriesValue], name: &str) -> Option<f64> {
    let text = |series: &SeriesValue| {
        let labels =
            series.labels.iter().filter(|label| !["__name__", "testid", "scenario", "team"].contains(&&*label.name));
        let labels: Vec<_> = labels.map(|label| format!("{}={}", label.name, label.value)).collect();
        let name = series.labels.iter().find(|label| label.name == "__name__").map(|label| label.value.clone());
        format!("{}{{{}}}", name.unwrap_or_default(), labels.join(","))
    };
    all.iter().find(|series| text(series) == name).and_then(|series| match series.value {
        SampleValue::Number(value) => Some(value),
        SampleValue::Native(_) => None,
    })
}

#[test]
fn a_failed_request_counts_in_the_last_bucket_only() {
    assert_eq!(value("add_item_latency_bucket{le=300.0,method=POST,name=add_item,phase=steady}"), Some(1.0));
    assert_eq!(value("add_item_latency_bucket{le=60000.0,method=POST,name=add_item,phase=steady}"), Some(2.0));
    assert_eq!(value("add_item_latency_bucket{le=+Inf,method=POST,name=add_item,phase=steady}"), Some(4.0));
    assert_eq!(value("add_item_latency_count{method=POST,name=add_item,phase=steady}"), Some(4.0));
    assert_eq!(value("add_item_latency_sum{method=POST,name=add_item,phase=steady}"), Some(604.0));
}

#[test]
fn counts_are_exact_far_beyond_32_bits() {
    const DOUBLED: i32 = 40;
    let mut snapshot = snapshot();
    for _ in 0..DOUBLED {
        let same = snapshot.clone();
        snapshot.merge(&same);
    }
    let all = all_series(&snapshot);
    for (series, once) in [
        ("add_item_latency_bucket{le=300.0,method=POST,name=add_item,phase=steady}", 1.0),
        ("add_item_latency_bucket{le=+Inf,method=POST,name=add_item,phase=steady}", 4.0),
        ("add_item_latency_count{method=POST,name=add_item,phase=steady}", 4.0),
        ("add_item_latency_sum{method=POST,name=add_item,phase=steady}", 604.0),
        ("http_reqs{method=POST,name=add_item,phase=steady,status=200}", 2.0),
        ("api_errors{method=POST,name=add_item,phase=steady}", 2.0),
    ] {
        assert_eq!(value_in(&all, series), Some(once * 2_f64.powi(DOUBLED)), "{series}");
    }
    assert_eq!(snapshot.requests().sent, 4 << DOUBLED);
}

#[test]
fn durations_are_counted_by_status() {
    assert_eq!(value("http_req_duration_bucket{le=1.0,method=POST,name=add_item,phase=steady,status=500}"), Some(1.0));
    assert_eq!(value("http_reqs{method=POST,name=add_item,phase=steady,status=0}"), Some(1.0));
    assert_eq!(value("http_reqs{method=POST,name=add_item,phase=steady,status=200}"), Some(2.0));
    assert_eq!(value("http_req_failed{method=POST,name=add_item,phase=steady,status=500}"), Some(1.0));
    assert_eq!(value("api_errors{method=POST,name=add_item,phase=steady}"), Some(2.0));
    assert_eq!(value("add_item_success{method=POST,name=add_item,phase=steady}"), Some(2.0));
}

#[test]
fn only_exercised_endpoints_have_series_from_the_start() {
    assert_eq!(value("get_offers_latency_count{method=GET,name=get_offers,phase=steady}"), Some(0.0));
    assert_eq!(value("api_errors{method=GET,name=get_offers,phase=steady}"), Some(0.0));
    assert_eq!(value("get_cart_latency_count{method=GET,name=get_cart,phase=steady}"), None);
}

#[test]
fn labels_are_sorted_and_series_are_unique() {
    let series = all();
    assert!(series.iter().all(|series| series.labels.is_sorted()));
    assert_eq!(series.iter().map(|series| &series.labels).collect::<HashSet<_>>().len(), series.len());
    let tagged =
        |series: &SeriesValue| series.labels.iter().any(|label| label.name == "team" && label.value == "trading");
    assert!(series.iter().all(tagged));
}

#[test]
fn the_health_of_agents_has_their_number() {
    let mut snapshot = snapshot();
    snapshot.health = GeneratorHealth { cpu: Some(0.75), ..GeneratorHealth::default() };
    assert_eq!(value_in(&all_series(&snapshot), "generator_cpu{}"), Some(0.75));
    let of =
        |agent, cpu| AgentHealth { agent, health: GeneratorHealth { cpu: Some(cpu), ..GeneratorHealth::default() } };
    snapshot.agents = vec![of(1, 0.25), of(2, 0.75)];
    let all = all_series(&snapshot);
    assert_eq!(value_in(&all, "generator_cpu{agent=1}"), Some(0.25));
    assert_eq!(value_in(&all, "generator_cpu{agent=2}"), Some(0.75));
    assert_eq!(value_in(&all, "generator_cpu{}"), None, "the same health would count twice");
}
