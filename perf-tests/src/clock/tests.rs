//! Tests of `clock`.

use super::*;

#[test]
fn a_machine_that_stays_awake_has_not_slept() {
    assert!(RunClock::begin().slept() < Duration::from_millis(100));
    let since_boot = RunClock { slept: Duration::ZERO, ..RunClock::begin() };
    assert_eq!(since_boot.slept().as_secs(), super::slept().as_secs());
}
