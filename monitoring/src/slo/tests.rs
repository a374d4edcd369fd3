//! Tests of objectives: their comparisons and texts.

use super::*;
use crate::catalogue::tests::PING;
use crate::ratio::millis;

#[test]
fn at_exactly_its_share_latency_is_met_and_errors_are_not() {
    let p95 = Slo::p95(PING, Duration::from_millis(300));
    assert!(p95.holds(57, 60));
    assert!(!p95.holds(56, 60));
    let errors = Slo::errors_below(Ratio::percent(1));
    assert!(!errors.holds(99, 100));
    assert!(errors.holds(991, 1000));
    assert!(!errors.holds(990, 1000));
}

#[test]
fn objectives_are_not_met_without_requests() {
    assert!(!Slo::p95(PING, Duration::from_millis(300)).holds(0, 0));
    assert!(!Slo::errors_below(Ratio::percent(1)).holds(0, 0));
}

#[test]
fn counts_beyond_32_bits_are_compared_exactly() {
    let p95 = Slo::p95(PING, Duration::from_millis(300));
    let total = 20 * (1_u64 << 40);
    assert!(p95.holds(19 * (1 << 40), total));
    assert!(!p95.holds(19 * (1 << 40) - 1, total));
}

#[test]
fn a_percentile_needs_one_over_one_minus_q_requests() {
    assert_eq!(Slo::p95(PING, Duration::from_millis(1)).min_requests(), 20);
    let p999 = Slo::latency(PING, Ratio::ppm(999_000), Duration::from_millis(1));
    assert_eq!(p999.min_requests(), 1000);
}

#[test]
fn decimals_are_printed_from_integers() {
    assert_eq!(Ratio::ppm(999_000).as_percent(), "99.9");
    assert_eq!(Ratio::ppm(999_000).to_string(), "99.9 %");
    assert_eq!(Ratio::percent(1).rest().as_percent(), "99");
    assert_eq!(Ratio::percent(95).as_fraction(), (19, 20));
    assert_eq!(millis(Duration::from_micros(250)), "0.25");
    assert_eq!(millis(Duration::from_secs(60)), "60000");
}

#[test]
fn objectives_have_a_short_text() {
    for (percent, percentile) in [(50, Slo::p50 as fn(_, _) -> _), (90, Slo::p90), (95, Slo::p95), (99, Slo::p99)] {
        let text = format!("p{percent} <= 300 ms");
        assert_eq!(percentile(PING, Duration::from_millis(300)).describe(), text);
    }
    assert_eq!(Slo::success_above(PING, Ratio::percent(95)).describe(), "success > 95 %");
    assert_eq!(Slo::errors_below(Ratio::percent(1)).describe(), "errors < 1 %");
}
