//! Tests of `check`.

use super::*;

#[test]
fn a_clock_difference_of_more_than_5_s_is_described() {
    assert_eq!(describe_skew(10_000, 10_020, 10_040), None);
    assert_eq!(describe_skew(10_000, 6_000, 10_040), None, "a small difference does no harm");
    let ahead = describe_skew(3_700_000, 100_000, 3_700_040).unwrap();
    assert!(ahead.starts_with("this machine's clock is 3600 s ahead of the store's"), "{ahead}");
    let behind = describe_skew(100_000, 160_040, 100_040).unwrap();
    assert!(behind.starts_with("this machine's clock is 60 s behind the store's"), "{behind}");
}
