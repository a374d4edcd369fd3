//! Tests of `metric`.

use super::*;

#[test]
fn le_has_a_decimal_point() {
    assert_eq!(le(Duration::from_millis(300)), "300.0");
    assert_eq!(le(Duration::from_micros(123_456)), "123.456");
}
