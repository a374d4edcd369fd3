//! Tests of `objective_verdict`.

use std::time::Duration;

use monitoring::backend_slo::Amount;
use monitoring::measure::Measure;
use proptest::prelude::*;

use super::*;
use crate::exit_code::ExitCode;
use crate::findings::describe_miss;
use crate::judgement::{Measurement, ObjectiveResult};
use crate::quantile::nearest_rank;
use crate::tests::exit_code;
use monitoring::ratio::Ratio;
use test_support::shop::{ADD_ITEM, SHOP};

const MEMORY: BackendSlo = BackendSlo::at_most("memory", "Memory", "bytes", Amount::Mebibytes(1));
const P95: Slo = Slo::p95(ADD_ITEM, Duration::from_millis(300));

fn tally(good: u64, total: u64, unknown: u64) -> Tally {
    Tally { good, total, unknown, ..Tally::default() }
}

fn value(value: f64) -> Result<BackendValue, MissingValue> {
    Ok(BackendValue { value, over_s: 30, at_unix_ms: 1 })
}

#[test]
fn a_value_over_its_limit_fails_and_a_missing_one_is_inconclusive() {
    let result = |slo: &BackendSlo, found| {
        let verdict = judge_backend(slo, &found);
        ObjectiveResult::backend(slo, found.ok(), verdict)
    };
    let code = |slo: &BackendSlo, found| exit_code(&[result(slo, found)], &[]);
    assert_eq!(code(&MEMORY, value(1_048_576.0)), ExitCode::Met);
    assert_eq!(code(&MEMORY, value(1_048_577.0)), ExitCode::Missed);
    assert_eq!(code(&MEMORY, Err(MissingValue::NoStore)), ExitCode::Inconclusive);
    assert_eq!(code(&MEMORY, value(f64::NAN)), ExitCode::Inconclusive);
    let warned = result(&MEMORY.warn(), value(1e9));
    assert_eq!((&warned.verdict, warned.code()), (&Verdict::Missed, ExitCode::Met));
}

#[test]
fn a_measure_with_too_few_values_has_values_and_not_requests() {
    let slo = Slo::trend(Measure::trend("queue", "Queue"), Ratio::percent(95), 7);
    let verdict = judge(&slo, tally(10, 10, 0));
    assert!(verdict.reason().unwrap().to_string().starts_with("only 10 values, and a p95 needs 20"), "{verdict:?}");
}

#[test]
fn the_scope_of_a_missed_objective_stands_before_its_value() {
    let slo = P95.in_tag("room", "large").in_part("readers");
    let missed = ObjectiveResult::new(&SHOP, &slo, Measurement::counts(&slo, tally(1, 40, 0)), Verdict::Missed);
    let text = describe_miss(&missed);
    assert!(text.starts_with("add_item p95 in part readers in room=large ") && text.ends_with("40 requests"), "{text}");
}

#[test]
fn late_requests_make_a_miss_inconclusive_but_never_met() {
    let late = |late| judge(&P95, Tally { good: 80, total: 100, late, ..Tally::default() });
    assert_eq!(late(14), Verdict::Missed);
    assert_eq!(late(15), Verdict::Inconclusive(Reason::Late { late: 15 }));
    assert_eq!(late(100), Verdict::Inconclusive(Reason::Late { late: 100 }));
    assert_eq!(judge(&P95, Tally { good: 95, total: 100, late: 100, ..Tally::default() }), Verdict::Met);
}

#[test]
fn throughput_is_compared_in_integers() {
    let at_least = |ms, tally| judge_value(Limit::AtLeast(50), Some(ms), tally);
    let judged = |good, unknown| at_least(30_010, tally(good, good + 7, unknown));
    assert_eq!(judged(1_501, 0), Verdict::Met);
    assert_eq!(judged(1_500, 0), Verdict::Missed);
    assert_eq!(judged(1_500, 1), Verdict::Inconclusive(Reason::Unknown { unknown: 1 }));
    assert_eq!(at_least(30_000, tally(0, 0, 0)), Verdict::Inconclusive(Reason::NoData));
    assert!(!at_least(0, tally(9, 9, 0)).is_decided());
}

#[test]
fn requests_that_all_hang_are_unknown_and_not_absent() {
    assert_eq!(judge(&P95, tally(0, 0, 20)), Verdict::Inconclusive(Reason::Unknown { unknown: 20 }));
    assert_eq!(judge(&P95, tally(3, 3, 17)), Verdict::Inconclusive(Reason::Unknown { unknown: 17 }));
    let at_least = |unknown| judge_value(Limit::AtLeast(50), Some(30_000), tally(0, 0, unknown));
    assert_eq!(at_least(1_500), Verdict::Inconclusive(Reason::Unknown { unknown: 1_500 }));
    assert_eq!(at_least(1_499), Verdict::Missed);
}

#[test]
fn a_value_equal_to_its_limit_is_good() {
    let judged = |limit, value, unknown| judge_value(limit, None, tally(value, 9, unknown));
    for (limit, good, bad) in [(Limit::AtMost(5), 5, 6), (Limit::AtLeast(5), 5, 4), (Limit::AtMost(0), 0, 1)] {
        assert_eq!(judged(limit, good, 0), Verdict::Met, "{limit:?}");
        assert_eq!(judged(limit, bad, 0), Verdict::Missed, "{limit:?}");
    }
    assert_eq!(judged(Limit::AtMost(5), 5, 1), Verdict::Inconclusive(Reason::Unknown { unknown: 1 }));
    assert_eq!(judged(Limit::AtMost(5), 6, 1), Verdict::Missed);
    assert_eq!(judge_value(Limit::AtMost(5), None, tally(0, 0, 0)), Verdict::Inconclusive(Reason::NoData));
    // 60 in 30.01 s are less than 2 a second.
    let a_second = |limit| judge_value(limit, Some(30_010), tally(60, 9, 0));
    assert_eq!([a_second(Limit::AtMost(2)), a_second(Limit::AtLeast(2))], [Verdict::Met, Verdict::Missed]);
}

#[test]
fn few_new_connections_are_inconclusive() {
    let connecting = Slo::connecting(ADD_ITEM, Ratio::percent(95), Duration::from_millis(300));
    assert!(matches!(
        judge(&connecting, tally(10, 10, 0)),
        Verdict::Inconclusive(Reason::TooFewConnections { total: 10, needed: 20, .. })
    ));
    assert_eq!(judge(&connecting, tally(19, 20, 0)), Verdict::Met);
}

#[test]
fn exactly_the_share_meets_the_objective() {
    assert_eq!(judge(&P95, tally(57, 60, 0)), Verdict::Met);
    assert_eq!(judge(&P95, tally(56, 60, 0)), Verdict::Missed);
}

#[test]
fn too_few_requests_are_inconclusive_whether_good_or_bad() {
    assert_eq!(judge(&P95, tally(0, 0, 0)), Verdict::Inconclusive(Reason::NoData));
    for good in [0, 19] {
        assert!(matches!(judge(&P95, tally(good, 19, 0)), Verdict::Inconclusive(Reason::TooFew { .. })));
    }
    assert_eq!(judge(&P95, tally(20, 20, 0)), Verdict::Met);
}

#[test]
fn unknown_requests_count_against_either_verdict() {
    assert_eq!(judge(&P95, tally(100, 100, 5)), Verdict::Met);
    assert_eq!(judge(&P95, tally(100, 100, 6)), Verdict::Inconclusive(Reason::Unknown { unknown: 6 }));
    assert_eq!(judge(&P95, tally(80, 100, 300)), Verdict::Inconclusive(Reason::Unknown { unknown: 300 }));
    assert_eq!(judge(&P95, tally(80, 100, 10)), Verdict::Missed);
}

#[test]
fn requests_that_a_dead_target_could_not_get_miss_an_objective() {
    let down = |unknown, refused| judge(&P95, Tally { unknown, refused, ..tally(100, 105, unknown) });
    assert_eq!(down(20, 0), Verdict::Inconclusive(Reason::Unknown { unknown: 20 }));
    assert_eq!(down(20, 20), Verdict::Missed);
    // The other 15 requests may have been good.
    assert_eq!(down(115, 5), Verdict::Inconclusive(Reason::Unknown { unknown: 115 }));
    let died_at_once = Tally { unknown: 50, refused: 50, ..tally(3, 5, 0) };
    assert_eq!(judge(&P95, died_at_once), Verdict::Missed, "not too few requests");
}

proptest! {
    /// "p95 <= T" and "95 % within T" are equivalent: the verdict agrees with the nearest-rank
    /// quantile.
    #[test]
    fn share_and_nearest_rank_agree(mut ms in prop::collection::vec(1_u64..600, 20..200)) {
        ms.sort_unstable();
        let total = ms.len() as u64;
        let good = ms.iter().filter(|&&value| value <= 300).count() as u64;
        let p95 = ms[nearest_rank(Ratio::percent(95), total) as usize - 1];
        prop_assert_eq!(judge(&P95, tally(good, total, 0)) == Verdict::Met, p95 <= 300);
    }

    /// The results of unknown requests never change met to missed, or missed to met.
    #[test]
    fn results_of_unknown_requests_never_reverse_a_verdict(total in 20_u64..500, bad in 0_u64..50, unknown in 0_u64..50, good in 0_u64..50) {
        let before = judge(&P95, tally(total.saturating_sub(bad), total, unknown));
        let good = good.min(unknown);
        let after = judge(&P95, tally(total.saturating_sub(bad) + good, total + unknown, 0));
        prop_assert!(before == after || matches!(before, Verdict::Inconclusive(_)));
    }

}
