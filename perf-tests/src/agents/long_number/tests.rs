//! Tests of `long_number`.

use super::*;

#[test]
fn a_number_that_overflows_in_sums_is_found() {
    let has = |json: &str| has_long_number(json.as_bytes());
    assert!(has("{\"a\":[1,12345678901234567]}") && has("18446744073709551615"));
    assert!(!has("[1234567890123456,1234567890123456]"));
    assert!(!has("\"12345678901234567\"") && !has("\"\\\"12345678901234567\""), "text");
    assert!(!has("0.12345678901234567"), "a fraction");
}
