//! Tests of `backend`.

use super::*;

#[test]
fn seconds_with_samples_of_before_the_load_are_not_judged() {
    let lookback = Duration::from_secs(20);
    assert_eq!(seconds_without(Duration::ZERO, 30), 30);
    assert_eq!(seconds_without(lookback, 30), 10);
    assert_eq!(seconds_without(lookback, 24), 24, "a short load is judged as a whole");
}
