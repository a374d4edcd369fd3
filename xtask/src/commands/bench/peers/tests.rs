//! Tests of `peers`.

use super::*;

#[test]
fn a_ratio_is_the_median_of_rounds() {
    let odd = quartiles(vec![3.0, 1.0, 2.0]);
    assert_eq!((odd.median, odd.quartiles), (2.0, (1.0, 3.0)));
    let even = quartiles(vec![4.0, 1.0, 2.0, 3.0]);
    assert_eq!(even.median, 2.5);
}
