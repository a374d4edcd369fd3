//! Tests of `significance`.

use super::*;

const RULE: Rule = Rule { alpha: 0.05, margin: 0.05, detect: 0.10 };

/// Evenly spaced differences, symmetric around a change.
fn around(change: f64, spread: f64, pairs: i32) -> Vec<f64> {
    let middle = f64::from(pairs - 1) / 2.0;
    (0..pairs).map(|pair| change.ln_1p() + spread * (f64::from(pair) - middle) / middle).collect()
}

fn conclusions(family: &[Vec<f64>]) -> Vec<Conclusion> {
    judge(family, RULE, RULE.alpha).iter().map(|judged| judged.conclusion).collect()
}

#[test]
fn seven_exact_hypotheses_need_nine_pairs() {
    assert_eq!(Rule::fewest_pairs(0.05, 7), 9);
    assert_eq!(Rule::fewest_pairs(0.05, 1), 6);
    let far = |pairs| vec![around(1.0, 0.01, pairs); 7];
    assert_eq!(conclusions(&far(8)), [Conclusion::TooLittleData; 7]);
    assert_eq!(conclusions(&far(9)), [Conclusion::Regressed; 7]);
}

#[test]
fn each_conclusion_has_a_case() {
    assert_eq!(conclusions(&[around(0.10, 0.02, 20)]), [Conclusion::Regressed]);
    assert_eq!(conclusions(&[around(-0.10, 0.02, 20)]), [Conclusion::Improved]);
    assert_eq!(conclusions(&[around(0.0, 0.02, 20)]), [Conclusion::NoChangeMeasured]);
    assert_eq!(
        conclusions(&[around(0.03, 0.02, 20)]),
        [Conclusion::NoChangeMeasured],
        "significant, and within the margin"
    );
    assert_eq!(conclusions(&[around(0.07, 0.2, 20)]), [Conclusion::TooLittleData], "neither 0 % nor 20 % is ruled out");
    assert_eq!(conclusions(&[Vec::new()]), [Conclusion::TooLittleData]);
}

#[test]
fn recorded_runs_ignore_a_change_that_all_endpoints_share() {
    let found = |changes: [f64; 4]| {
        let family = changes.map(|change| around(change, 0.02, 20));
        judge_recorded(&family, RULE, RULE.alpha).iter().map(|judged| judged.conclusion).collect::<Vec<_>>()
    };
    use Conclusion::{Improved, NoChangeMeasured, Regressed, TooLittleData};
    assert_eq!(found([0.12, 0.0, 0.0, 0.0]), [Regressed, NoChangeMeasured, NoChangeMeasured, NoChangeMeasured]);
    assert_eq!(found([0.12, 0.12, 0.12, 0.12]), [TooLittleData; 4], "the machine may have caused it");
    assert_eq!(found([0.40, 0.12, 0.12, 0.12])[0], Regressed);
    assert_eq!(found([-0.12, 0.0, 0.0, 0.0])[0], Improved);
    assert_eq!(found([0.0, -0.12, -0.12, -0.12])[0], TooLittleData, "slower, on a machine that became faster");
    let alone = judge_recorded(&[around(0.12, 0.02, 20)], RULE, RULE.alpha);
    assert_eq!(alone[0].conclusion, Regressed, "there is no other endpoint to compare with");
}

#[test]
fn holm_stops_at_the_first_hypothesis_that_is_not_rejected() {
    assert_eq!(holm(&[0.01, 0.04, 0.03], 0.05), [true, false, false], "0.03 > 0.05/2, so 0.04 is not tested");
    assert_eq!(holm(&[0.01, 0.04, 0.02], 0.05), [true, true, true]);
    assert_eq!(holm(&[0.02, 0.9], 0.05), [true, false]);
    assert_eq!(holm(&[], 0.05), [false; 0]);
}

#[test]
fn infinite_quantiles_give_finite_differences() {
    assert_eq!(difference(Some(10.0), Some(f64::INFINITY)), Some(FARTHEST.ln()));
    assert_eq!(difference(Some(f64::INFINITY), Some(f64::INFINITY)), Some(0.0));
    assert_eq!(difference(None, Some(1.0)), None);
    let broken = vec![difference(Some(10.0), Some(f64::INFINITY)).unwrap(); 9];
    assert_eq!(conclusions(&[broken]), [Conclusion::Regressed]);
}
