//! Tests of `apportion`.

use super::*;

#[test]
fn shares_add_up_to_the_total() {
    assert_eq!(apportion(8, &[1; 10]), [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    assert_eq!(apportion(10, &[2, 0, 1]), [7, 0, 3]);
    assert_eq!(apportion(10, &[0, 0]), [0, 0]);
    assert_eq!(apportion(u64::MAX, &[u128::from(u64::MAX), 1]).iter().sum::<u64>(), u64::MAX);
}

#[test]
fn no_share_is_empty_if_each_is_at_least_one() {
    assert_eq!(apportion_at_least_one(10, &[100, 1]), [9, 1]);
    assert_eq!(apportion_at_least_one(100, &[90, 10]), [90, 10]);
    assert_eq!(apportion_at_least_one(10, &[100, 1, 1, 1]), [7, 1, 1, 1]);
    assert_eq!(apportion_at_least_one(1, &[100, 1]), [1, 1]);
}
