//! Tests of `excuses`.

use std::collections::BTreeMap;

use dashboards::query::Query;
use monitoring::backend_mapping::BackendMapping;
use monitoring::backend_metrics::scraped;
use monitoring::promql::Selector;
use monitoring::query_subject::QuerySubject;
use perf_report::Millis;
use perf_report::evidence::{Durations, EndpointSlice, Iterations, LoadModel, PartResult, Slice};
use perf_report::judgement::{Goal, LimitSide, Measurement};
use perf_report::verdict::Tally;
use prometheus_store::exposition;

use super::*;
use crate::backend::target_metrics::NoMetrics;
use crate::perf::prove::backend::backend_metrics::{BackendMetrics, MetricsReading};

#[test]
fn a_query_has_data_if_its_objective_has_some() {
    let mut report = test_support::report();
    let placed = |objective: Option<&str>| PlacedQuery {
        place: QueryPlace::Rule(String::new()),
        query: Query {
            subject: QuerySubject { objective: objective.map(str::to_owned), ..QuerySubject::default() },
            ..Query::new("", Expr::Integer(1)).excused(Excuse::OtherParts)
        },
        kind: QueryKind::Range,
    };
    let exposed = ExposedMetrics::new(BackendMetrics::Unavailable(NoMetrics::default()), BackendMapping::FASTAPI, true);
    let must_have_data = |report: &Report, objective| {
        let excuses = Excuses { report, push_interval: PUSH_INTERVAL, no_scrapes: None, exposed: &exposed };
        excuses.must_have_data(&placed(objective))
    };
    let id = report.objectives[0].id.clone();
    assert!(must_have_data(&report, Some(&id)));
    assert!(!must_have_data(&report, None) && !must_have_data(&report, Some("other")));
    report.objectives[0].measured = Some(Measurement::Share { tally: Tally::default() });
    assert!(!must_have_data(&report, Some(&id)), "the run has no data for it");
    let tally = Tally { good: 5, total: 5, ..Tally::default() };
    report.objectives[0].measured = Some(Measurement::Throughput { tally, judged_ms: 1_000 });
    report.objectives[0].goal = Goal::Throughput { per_second: 5 };
    for (seconds, expected) in [(119, false), (120, true)] {
        report.run.ended_unix_ms = report.run.started_unix_ms + seconds * 1_000;
        assert_eq!(must_have_data(&report, Some(&id)), expected, "{seconds} s");
    }
    report.objectives[0].measured = Some(Measurement::Value { tally });
    for (reading, seconds, expected) in
        [(Reading::Count, 10, false), (Reading::Count, 11, true), (Reading::Last, 10, false), (Reading::Last, 11, true)]
    {
        report.objectives[0].goal = Goal::Value { reading, limit: 5, side: LimitSide::AtMost };
        report.run.ended_unix_ms = report.run.started_unix_ms + seconds * 1_000;
        assert_eq!(must_have_data(&report, Some(&id)), expected, "{reading:?}, {seconds} s");
    }
    // An iteration may record its value at its end.
    let iteration = Durations { p50: 7_000.0, p95: 9_000.0, p99: 9_000.0, max: 9_000.0 };
    report.run.plan.parts.push(PartResult {
        name: "rooms".to_owned(),
        load: String::new(),
        profile: serde_json::Value::Null,
        iterations: Iterations::default(),
        iteration_ms: Some(iteration),
        model: LoadModel::Closed,
        endpoints: BTreeMap::new(),
    });
    for (seconds, expected) in [(19, false), (20, true)] {
        report.run.ended_unix_ms = report.run.started_unix_ms + seconds * 1_000;
        assert_eq!(must_have_data(&report, Some(&id)), expected, "{seconds} s");
    }
}

#[test]
fn a_query_about_an_endpoint_that_is_requested_last_may_be_empty() {
    let mut report = test_support::report();
    report.run.ended_unix_ms = report.run.started_unix_ms + 60_000;
    let ms = Millis::Finite(1.0);
    let endpoint = EndpointSlice { requests: 1, failed: 0, good: None, p50_ms: ms, p95_ms: ms, further: Vec::new() };
    report.run.timeline.slices = (0..60)
        .map(|second: u64| Slice { from_ms: second * 1_000, to_ms: (second + 1) * 1_000, ..Slice::default() })
        .collect();
    let subject = QuerySubject { endpoints: vec!["logout"], ..QuerySubject::default() };
    let query = Query { subject, ..Query::new("", Selector::new("vus").now()) };
    let placed = PlacedQuery { place: QueryPlace::Rule(String::new()), query, kind: QueryKind::Range };
    let exposed = ExposedMetrics::new(BackendMetrics::Unavailable(NoMetrics::default()), BackendMapping::FASTAPI, true);
    for (second, expected) in [(55, true), (49, true), (48, false), (0, false)] {
        report.run.timeline.slices[second].endpoints.insert("logout".to_owned(), endpoint.clone());
        let excuses = Excuses { report: &report, push_interval: PUSH_INTERVAL, no_scrapes: None, exposed: &exposed };
        assert_eq!(excuses.is_requested_late(&placed), expected, "{second} s");
    }
}

#[test]
fn a_query_about_an_endpoint_without_a_request_may_be_empty() {
    let mut report = test_support::report();
    report.endpoints[0].name = "first".to_owned();
    let subject = QuerySubject { endpoints: vec!["first"], ..QuerySubject::default() };
    let query = Query { subject, ..Query::new("", Selector::new("vus").now()) };
    let placed = PlacedQuery { place: QueryPlace::Rule(String::new()), query, kind: QueryKind::Instant };
    let exposed = ExposedMetrics::new(BackendMetrics::Unavailable(NoMetrics::default()), BackendMapping::FASTAPI, true);
    let find = |report: &Report| {
        let excuses = Excuses { report, push_interval: PUSH_INTERVAL, no_scrapes: None, exposed: &exposed };
        excuses.is_not_requested(&placed)
    };
    assert!(!find(&report));
    report.endpoints[0].requests.sent = 0;
    assert!(find(&report));
}

#[test]
fn a_query_may_be_empty_without_one_of_its_series() {
    let report = test_support::report();
    let samples = exposition::parse("process_cpu_seconds_total 2").unwrap();
    let exposed =
        ExposedMetrics::new(BackendMetrics::One(MetricsReading::new(samples)), BackendMapping::FASTAPI, false);
    let excuses = Excuses { report: &report, push_interval: PUSH_INTERVAL, no_scrapes: None, exposed: &exposed };
    let (present, missing) = (scraped("process_cpu_seconds_total").now(), scraped("in_flight").now());
    for (expr, expected) in [
        (present.clone().sum(), false),
        (present.clone().divided_by(missing), true),
        (Selector::new("vus").now().minus(present), false),
        (Selector::new("in_flight").now(), false),
    ] {
        assert_eq!(excuses.lacks_series(&expr), expected, "{expr}");
    }
}

#[test]
fn lines_need_a_run_of_six_seconds_without_lost_pushes() {
    let mut report = test_support::report();
    let offer = ExposedMetrics::new(BackendMetrics::Unavailable(NoMetrics::default()), BackendMapping::FASTAPI, true);
    let placed =
        |expr: Expr, kind| PlacedQuery { place: QueryPlace::Rule(String::new()), query: Query::new("", expr), kind };
    let vus = || Selector::new("vus").now();
    let line = placed(vus(), QueryKind::Range);
    let cell = placed(Expr::Subquery(Box::new(vus()), Window::Range, PUSH_INTERVAL), QueryKind::Instant);
    let mut check = |seconds: i64, refused, expected: [bool; 2], is_longer| {
        report.run.ended_unix_ms = report.run.started_unix_ms + seconds * 1_000;
        report.run.store.as_mut().unwrap().refused = refused;
        let excuses = Excuses { report: &report, push_interval: PUSH_INTERVAL, no_scrapes: None, exposed: &offer };
        let shown = RunWindow { from_ms: report.run.started_unix_ms, to_ms: report.run.ended_unix_ms };
        let excused = [&line, &cell].map(|placed| excuses.find(placed, shown).is_some());
        assert_eq!(excused, expected, "{seconds} s, {refused} refused");
        assert_eq!(excuses.window(&line, shown) != shown, is_longer, "{seconds} s");
        assert_eq!(excuses.window(&cell, shown), shown);
    };
    check(5, 0, [true, true], true);
    check(6, 0, [false, true], true);
    check(6, 1, [true, true], true);
    check(10, 1, [false, false], false);
}
