//! Tests of `publish`.

use crate::host::workspace;

use super::*;

#[test]
fn the_verdict_of_a_comparison_is_its_last_line() {
    let path = workspace::root().join("monitoring/report/tests/situations/regressed_comparison.json");
    let compared = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(PerfResult::from_comparison(&compared).verdicts, ["basic: slower than the baseline (exit 91)"]);
}
