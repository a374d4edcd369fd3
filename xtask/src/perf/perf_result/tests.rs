//! Tests of `perf_result`.

use super::*;

#[test]
fn the_verdict_of_a_comparison_is_its_last_line() {
    let compared = serde_json::from_str(&test_support::situation("regressed", "_comparison").unwrap()).unwrap();
    assert_eq!(PerfResult::from_comparison(&compared).verdicts, ["basic: slower than the baseline (exit 91)"]);
}
