//! Tests of `objective_counters`.

use super::*;
use crate::catalogue::tests::ECHO;

#[test]
fn every_expression_is_promql() {
    for slo in ECHO.slos {
        let ObjectiveCounters { good, total } = final_counters(slo, "t");
        let count = |selector: Selector| selector.now().sum_by(&[TESTID]);
        let met = is_met(slo, Window::Fixed(Duration::from_secs(60)), &|selector| selector, &[TESTID]);
        for text in [good, total, met, budget_left(slo, &count), any_series("t").now(), run_requests("t")] {
            let text = text.to_string();
            assert!(promql_parser::parser::parse(&text).is_ok(), "{text}");
        }
    }
}

#[test]
fn success_and_error_objectives_are_compared_strictly() {
    let met = |slo: &Slo| is_met(slo, Window::Fixed(Duration::from_secs(60)), &|selector| selector, &[]).to_string();
    let [latency, .., success, errors] = ECHO.slos else { panic!("no objectives") };
    assert!(met(latency).contains(">= bool") && !met(success).contains(">= bool"));
    assert!(met(success).contains("> bool") && met(errors).contains("> bool"));
}
