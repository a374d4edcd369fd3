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
    report.findings.push(Finding::problem(ExitCode::Inconclusive, Subject::Run, FindingKind::LoadFailed, why));
    let text = render_run(&report).unwrap();
    let parsed = JUnit::deserialize_from_str(&text).unwrap();
    let suite = &parsed.test_suites[0];
    assert_eq!((suite.tests, suite.failures, suite.errors), (10, 1, 2), "{text}");
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
