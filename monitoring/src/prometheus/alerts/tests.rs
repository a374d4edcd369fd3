//! Tests of `alerts`.

use super::*;

#[test]
fn a_decimal_point_in_a_limit_stays_visible() {
    assert_eq!(camel_case_limit("p99_9_under_2_5ms_in_steady"), "P99_9Under2_5msInSteady");
    assert_eq!(camel_case_limit("at_least_50_per_second"), "AtLeast50PerSecond");
}
