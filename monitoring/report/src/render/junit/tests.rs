//! Tests of `junit`.

use super::*;
use crate::exit_code::ExitCode;
use crate::finding::{FindingKind, Subject};
use crate::verdict::Reason;

#[test]
fn an_objective_is_a_case_and_a_miss_is_a_failure() {
    let mut report = Report::sample();
    report.objectives[0].verdict = Verdict::Missed;
    report.objectives[1].verdict = Verdict::Inconclusive(Reason::NoData);
    report.objectives[2].verdict = Verdict::Missed;
    report.objectives[2].on_miss = OnMiss::Warn;
    let why = "<a & b>\u{1b}[31m";
    let failed = Finding::problem(ExitCode::Inconclusive, Subject::Run, FindingKind::LoadFailed, why);
    report.findings.extend([failed.clone(), failed]);
    let text = render_run(&report, None).unwrap();
    let parsed = JUnit::deserialize_from_str(&text).unwrap();
    let suite = &parsed.test_suites[0];
    assert_eq!((suite.tests, suite.failures, suite.errors), (11, 1, 3), "{text}");
    let names =
        ["load failed", "load failed 2"].map(|name| text.matches(&format!("<testcase name=\"{name}\"")).count());
    assert_eq!(names, [1, 1], "{text}");
    assert_eq!(text.matches("<skipped message=\"missed (warns only): ").count(), 1, "{text}");
    assert!(text.contains("missed: add_item p95 &lt;= 300 ms: measured") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_regressed_endpoint_is_a_failure_and_an_undecided_one_an_error() {
    let mut compared = Comparison::sample();
    compared.endpoints[0].conclusion = Conclusion::Regressed;
    compared.endpoints[1].conclusion = Conclusion::TooLittleData;
    let parsed = JUnit::deserialize_from_str(&render_comparison(&compared).unwrap()).unwrap();
    let suite = &parsed.test_suites[0];
    assert_eq!((suite.tests, suite.failures, suite.errors), (7, 1, 1));
}

#[test]
fn a_run_with_a_baseline_has_a_case_for_each_endpoint() {
    let (mut report, mut compared) = (Report::sample(), Comparison::sample());
    let failures = |report: &Report, compared: &Comparison| {
        let text = render_run(report, Some(compared)).unwrap();
        let suite = JUnit::deserialize_from_str(&text).unwrap().test_suites.remove(0);
        (text.matches("is as fast as before").count(), suite.failures)
    };
    compared.endpoints[0].conclusion = Conclusion::Regressed;
    assert_eq!(failures(&report, &compared), (compared.endpoints.len(), 0), "--gate absolute");
    let kind = FindingKind::ChangedFromBaseline;
    report.findings.push(Finding::problem(ExitCode::Regressed, Subject::Baseline, kind, "slower"));
    assert_eq!(failures(&report, &compared), (compared.endpoints.len(), 1), "the run's case would repeat it");
}
