//! Tests of `calibration`.

use super::*;

#[test]
fn wider_deviations_need_more_pairs_up_to_a_maximum() {
    let needed = |deviation| needed_pairs(deviation, 7, Rule::default(), 0.05);
    assert_eq!(needed(0.001), Some(10));
    assert!(needed(0.03) > needed(0.02) && needed(0.03).is_some());
    assert_eq!(needed(0.5), None);
}

#[test]
fn interim_checks_need_more_pairs() {
    let quiet = Calibration { endpoint: "a".to_owned(), deviation: 0.001, pairs: 20, hypotheses: 7 };
    let rule = Rule::default();
    let needed = |looks| quiet.needed_pairs_with_looks(rule, looks).unwrap();
    assert_eq!(needed(1), quiet.needed_pairs(rule, rule.alpha).unwrap());
    let last = Looks::new(needed(10), 10, rule.alpha).last();
    // Otherwise the last check could not reject anything, however slow the head is.
    assert!(needed(10) > needed(1) && needed(10) >= Rule::fewest_pairs(last, 7), "{}", needed(10));
}

#[test]
fn the_noisiest_endpoint_is_used() {
    let quiet: Vec<_> = (0..20).map(|index| f64::from(index % 2) * 0.01).collect();
    let wild: Vec<_> = (0..20).map(|index| f64::from(index % 2) * 0.04).collect();
    let family = [("a", &quiet[..]), ("b", &wild[..])];
    let found = Calibration::from_differences(family.into_iter()).unwrap();
    assert_eq!((found.endpoint.as_str(), found.hypotheses), ("b", 2));
    // Standard deviation of the sample, 0.0205, times the square root of 19/11.65.
    assert!((found.deviation - 0.026_21).abs() < 1e-4, "{}", found.deviation);
    let pairs = found.needed_pairs(Rule::default(), 0.05).unwrap();
    let visible = found.visible(Rule::default(), 0.05, pairs).unwrap();
    assert!(visible <= 0.10 && visible > 0.08, "{visible}");
    assert_eq!(found.visible(Rule::default(), 0.05, 3), None);
    assert_eq!(Calibration::from_differences([("a", &[0.1][..])].into_iter()), None);
}
