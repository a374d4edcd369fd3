//! Tests of `phase_time`.

use super::*;

#[test]
fn time_that_parts_share_counts_once() {
    let time = |phase, from_ms, to_ms| PhaseTime { phase, from_ms, to_ms };
    let parts = [
        vec![time(Phase::WarmUp, 0, 10), time(Phase::Steady, 10, 30)],
        vec![time(Phase::Ramp, 20, 25), time(Phase::Steady, 25, 40)],
        vec![time(Phase::Steady, 50, 60)],
    ];
    assert_eq!(judged_ms(&parts, Phases::AFTER_WARM_UP, None), 30 + 10);
    assert_eq!(judged_ms(&parts, Phases::ALL, None), 40 + 10);
    assert_eq!(judged_ms(&parts, Phases::only(&[Phase::Steady]), Some(1)), 15);
    assert_eq!(judged_ms(&[], Phases::ALL, None), 0);
}
