//! Tests of `html`.

use super::*;
use crate::Millis;
use crate::evidence::{AgentResult, StatusKey};
use crate::finding::{Finding, FindingKind, Subject};
use crate::quantile::CurvePoint;

fn report() -> Report {
    Report::sample_over_time()
}

#[test]
fn a_page_is_complete_and_always_the_same() {
    let text = render_run(&report(), None);
    assert_eq!(text, render_run(&report(), None));
    for part in ["<!DOCTYPE html>", "id=\"objectives\"", "id=\"latency\"", "id=\"environment\"", "<svg", "</html>"] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("NaN") && !text.contains("http://www.w3.org/1999"), "an unnecessary namespace");
    let outside = text.replace("http://www.w3.org/2000/svg", "");
    assert!(
        !outside.contains("src=") && !outside.contains("url(") && !outside.contains("@import"),
        "a page that needs the network"
    );
}

#[test]
fn a_page_shows_times_to_the_second_and_parts_statuses() {
    let mut report = report();
    report.run.started = "2026-11-30T03:43:24.585Z".to_owned();
    let endpoint = &mut report.endpoints[0];
    endpoint.requests.failed = 31;
    endpoint.by_status = [(StatusKey::NoResponse, 31), (StatusKey::Code(201), 1097)].into();
    let page = render_run(&report, None);
    assert!(page.contains(r#"<time datetime="2026-11-30T03:43:24.585Z">2026-11-30 03:43:24</time>"#));
    assert!(page.contains("31 × no response, 1,097 × 201"));
}

#[test]
fn a_chart_draws_every_percentile_that_is_judged() {
    let mut report = report();
    assert!(!render_run(&report, None).contains("p99</span>"), "no objective limits it");
    let name = report.endpoints[0].name.clone();
    for slice in &mut report.run.timeline.slices {
        let further = vec![CurvePoint { ppm: 990_000, ms: Millis::Finite(123.0) }];
        slice.endpoints.entry(name.clone()).and_modify(|counts| counts.further = further);
    }
    let page = render_run(&report, None);
    for part in ["<span class=\"key p99\"><i></i>p99</span>", "p99 123.0 ms", "<th class=\"n\">p99</th>"] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_page_lists_allowed_targets_if_there_are_any() {
    let mut report = report();
    assert!(!render_run(&report, None).contains("allowed targets"), "there are none");
    report.run.environment.allowed_targets = vec!["perf.example".to_owned()];
    assert!(render_run(&report, None).contains("allowed targets</th><td class=\"wrap\">perf.example"));
}

#[test]
fn a_page_lists_agents_if_there_are_any() {
    let mut report = report();
    assert!(!render_run(&report, None).contains("clock offset"), "there are none");
    report.run.agents = vec![agent("process 7 on node-3")];
    let page = render_run(&report, None);
    assert!(page.contains("clock offset") && page.contains("process 7 on node-3") && page.contains("at 00:03: gone"));
    assert!(page.contains("clock drift") && page.contains("1.25 ms ± 0.20 ms"), "{page}");
}

fn agent(place: &str) -> AgentResult {
    AgentResult {
        number: 1,
        place: Some(place.to_owned()),
        workers: 2,
        requests: 1234,
        failed: 5,
        cpu: Some(0.5),
        processor_s: Some(1.5),
        lateness_p99_ms: Some(0.4),
        clock_offset_ms: Some(-3.5),
        clock_error_ms: Some(0.1),
        clock_drift_ms: Some(1.25),
        clock_drift_error_ms: Some(0.2),
        start_skew_ms: 0.2,
        started: None,
        is_shard: false,
        cut_off: 0,
        untaken: 0,
        lost: Some("at 00:03: gone".to_owned()),
    }
}

#[test]
fn text_from_outside_is_escaped() {
    let mut report = report();
    let hostile = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    report.run.target = hostile.to_owned();
    report.run.agents = vec![AgentResult { lost: Some(hostile.to_owned()), ..agent(hostile) }];
    report.findings.push(Finding::warning(Subject::Store, FindingKind::StoreNotAsked, hostile));
    let subject = Subject::Objective(hostile.to_owned());
    report.findings.push(Finding::problem(ExitCode::Inconclusive, subject, FindingKind::SetupFailed, hostile));
    report.endpoints[0].requests.failed = 3;
    report.run.tags.insert("a".to_owned(), hostile.to_owned());
    report.run.environment.command = hostile.to_owned();
    report.run.environment.allowed_targets = vec![hostile.to_owned()];
    let mut compared = Comparison::sample();
    for text in [&mut compared.name, &mut compared.base, &mut compared.head] {
        *text = hostile.to_owned();
    }
    compared.endpoints[0].name = hostile.to_owned();
    compared.scenario = hostile.to_owned();
    let text = render_comparison(&compared);
    assert!(!text.contains("<script>alert") && !text.contains("<img"), "the page contains injected markup");
    let text = render_run(&report, Some(&compared));
    assert!(!text.contains("<script>alert") && !text.contains("<img"), "the page contains injected markup");
    assert_eq!(text.matches("<script>").count(), 1);
}
