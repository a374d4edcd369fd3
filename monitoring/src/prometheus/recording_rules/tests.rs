//! Tests of `recording_rules`.

use super::*;
use crate::catalogue::tests::ECHO;

#[test]
fn every_endpoint_has_quantile_rules_and_every_latency_objective_a_rule() {
    let file = recording_rules(&ECHO, &Timing::USUAL);
    let records: Vec<_> = file.groups.iter().flat_map(|group| &group.rules).map(|rule| &*rule.record).collect();
    assert_eq!(records.len(), 2 * 3);
    for record in ["ping_latency:p50", "ping_latency:p95"] {
        assert!(records.contains(&record), "{record}");
    }
    assert_eq!(records.iter().filter(|record| record.starts_with("slo:ping:p95_under_")).count(), 1);
}

#[test]
fn every_expression_is_promql() {
    for rule in recording_rules(&ECHO, &Timing::USUAL).groups.iter().flat_map(|group| &group.rules) {
        let text = rule.expr.to_string();
        assert!(promql_parser::parser::parse(&text).is_ok(), "{text}");
    }
}
