//! Tests of `phases`.

use super::*;

const SECS: fn(u64) -> Duration = Duration::from_secs;

#[test]
fn warm_up_replaces_the_phases_that_it_covers() {
    let own = [(SECS(0), Phase::Ramp), (SECS(10), Phase::Steady), (SECS(20), Phase::Ramp)];
    let phases = |warm_up| PhasePlan::new(SECS(5), SECS(warm_up), &own);
    assert_eq!(
        phases(0).steps().collect::<Vec<_>>(),
        [(SECS(5), Phase::Ramp), (SECS(15), Phase::Steady), (SECS(25), Phase::Ramp)]
    );
    assert_eq!(
        phases(12).steps().collect::<Vec<_>>(),
        [(SECS(5), Phase::WarmUp), (SECS(17), Phase::Steady), (SECS(25), Phase::Ramp)]
    );
    let plan = phases(10);
    assert_eq!(plan.at(Duration::from_millis(14_999)), Phase::WarmUp);
    assert_eq!(plan.at(SECS(15)), Phase::Steady);
    assert_eq!(plan.at(SECS(999)), Phase::Ramp);
    assert!(plan.has(Phase::WarmUp) && !phases(0).has(Phase::WarmUp));
}

#[test]
fn a_time_is_split_at_the_borders_of_phases() {
    let plan = PhasePlan::new(SECS(0), SECS(10), &[(SECS(0), Phase::Steady), (SECS(20), Phase::Ramp)]);
    let times = |from, to| Phase::ALL.map(|phase| (phase, plan.time_in(phase, SECS(from), SECS(to)).as_secs()));
    assert_eq!(times(9, 25), [(Phase::WarmUp, 1), (Phase::Ramp, 5), (Phase::Steady, 10)]);
    assert_eq!(times(2, 5), [(Phase::WarmUp, 3), (Phase::Ramp, 0), (Phase::Steady, 0)]);
}
