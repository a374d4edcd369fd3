//! Tests of `read`.

use super::*;
use crate::exit_code::ExitCode;
use crate::finding::Severity;
use crate::verdict::Verdict;

#[test]
fn a_report_of_version_1_is_read() {
    let report = read_report(&test_support::report_text("report_v1.json")).unwrap();
    assert_eq!((report.schema, report.objectives.len()), (SCHEMA, 9));
    let join = &report.objectives[0];
    assert_eq!((join.verdict.clone(), join.tally().unwrap().total), (Verdict::Met, 538));
    assert_eq!(join.goal.threshold_ms(), Some(300.0));
    assert!(join.quantile_ms().is_some() && join.interval_ms().is_some());
}

#[test]
fn a_comparison_of_version_1_is_read() {
    let current = Comparison::sample();
    let mut old = serde_json::to_value(&current).unwrap();
    old["schema"] = 1.into();
    for endpoint in old["endpoints"].as_array_mut().unwrap() {
        endpoint["finding"] = endpoint.as_object_mut().unwrap().remove("conclusion").unwrap();
    }
    old.as_object_mut().unwrap().remove("findings");
    old["problems"] = json!([{"exit_code": 90, "message": "too few rounds"}]);
    old["warnings"] = json!(["another machine"]);
    let read = read_comparison(&old.to_string()).unwrap();
    assert_eq!((read.schema, &read.endpoints), (comparison::SCHEMA, &current.endpoints));
    let messages: Vec<_> = read.findings.iter().map(|it| (it.severity, it.exit_code, &*it.message)).collect();
    let problem = (Severity::Problem, Some(ExitCode::Inconclusive), "too few rounds");
    assert_eq!(messages, [problem, (Severity::Warning, None, "another machine")]);
    let error = read_comparison(r#"{"schema": 99}"#).unwrap_err().to_string();
    assert!(error.contains("version 99"), "{error}");
}

#[test]
fn an_unsupported_version_is_rejected_by_number() {
    let error = read_report(r#"{"schema": 99}"#).unwrap_err().to_string();
    assert!(error.contains("version 99"), "{error}");
    assert!(read_report("{").is_err() && read_report(r#"{"schema": 2}"#).is_err());
}
