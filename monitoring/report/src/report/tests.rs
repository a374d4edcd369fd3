//! Tests of exit codes.

use super::*;
use crate::finding::Subject;
use crate::judgement::Measurement;
use crate::judgement::objective_verdict::judge;
use crate::tests::exit_code;
use crate::verdict::{Tally, Verdict};
use monitoring::slo::Slo;
use test_support::shop::SHOP;

fn result(slo: &Slo, good: u64, total: u64) -> ObjectiveResult {
    let tally = Tally { good, total, ..Tally::default() };
    ObjectiveResult::new(&SHOP, slo, Measurement::counts(slo, tally), judge(slo, tally))
}

#[test]
fn the_most_severe_result_is_the_exit_code() {
    let slo = &SHOP.slos[0];
    assert_eq!(exit_code(&[result(slo, 100, 100)], &[]), ExitCode::Met);
    assert_eq!(exit_code(&[result(slo, 100, 100), result(slo, 0, 100)], &[]), ExitCode::Missed);
    assert_eq!(exit_code(&[result(slo, 1, 1), result(slo, 0, 100)], &[]), ExitCode::Missed);
    assert_eq!(exit_code(&[result(slo, 1, 1)], &[]), ExitCode::Inconclusive);
    let refused = Finding::problem(ExitCode::Inconclusive, Subject::Store, FindingKind::StoreRefused, "refused");
    assert_eq!(exit_code(&[result(slo, 100, 100)], &[refused]), ExitCode::Inconclusive);
}

#[test]
fn an_inconclusive_objective_counts_even_if_misses_do_not() {
    let slo = &SHOP.slos[0];
    let mut report = Report::sample();
    report.objectives = vec![result(slo, 0, 100), result(slo, 100, 100)];
    report = report.conclude_by(Gate::Relative, []);
    assert_eq!(report.exit_code, ExitCode::Met);
    report.objectives[1] = result(slo, 1, 1);
    report = report.conclude_by(Gate::Relative, []);
    assert_eq!(report.exit_code, ExitCode::Inconclusive);
    assert_eq!(report.conclude([]).exit_code, ExitCode::Missed);
}

#[test]
fn a_run_without_a_verdict_is_inconclusive() {
    assert_eq!(exit_code(&[], &[]), ExitCode::Inconclusive);
    assert_eq!(exit_code(&[ObjectiveResult::not_in_scenario(&SHOP, &SHOP.slos[0])], &[]), ExitCode::Inconclusive);
}

#[test]
fn a_missed_objective_that_only_warns_does_not_fail_the_run() {
    let missed = result(&SHOP.slos[0].warn(), 0, 100);
    assert_eq!(missed.verdict, Verdict::Missed);
    let nothing = result(&SHOP.slos[0].warn(), 0, 0);
    assert_eq!(exit_code(&[nothing], &[]), ExitCode::Inconclusive, "no data, even if no objective can fail the run");
    assert_eq!(exit_code(&[missed, result(&SHOP.slos[1], 100, 100)], &[]), ExitCode::Met);
}
