//! The phases of a load: warm-up, ramp, steady.

use std::time::Duration;

use monitoring::phase::Phase;

/// Phases by start time, from the start of the run, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhasePlan(Vec<(Duration, Phase)>);

impl PhasePlan {
    /// Builds the plan from a load's own phases. The warm-up covers their first part, of length
    /// `warm_up`.
    pub(crate) fn new(start: Duration, warm_up: Duration, own: &[(Duration, Phase)]) -> Self {
        let mut steps: Vec<(Duration, Phase)> = Vec::new();
        if !warm_up.is_zero() {
            steps.push((start, Phase::WarmUp));
        }
        let mut add = |from: Duration, phase| match steps.last_mut() {
            Some((_, last)) if *last == phase => {}
            // If two steps have the same time, the later one counts.
            Some((at, last)) if *at == from => *last = phase,
            _ => steps.push((from, phase)),
        };
        let at_end_of_warm_up = own.iter().rev().find(|(from, _)| *from <= warm_up);
        add(start + warm_up, at_end_of_warm_up.map_or(Phase::Steady, |(_, phase)| *phase));
        for &(from, phase) in own.iter().filter(|(from, _)| *from > warm_up) {
            add(start + from, phase);
        }
        Self(steps)
    }

    /// The phase at a time from the start of the run.
    pub fn at(&self, elapsed: Duration) -> Phase {
        let after = self.0.partition_point(|(from, _)| *from <= elapsed);
        self.0[after.saturating_sub(1)].1
    }

    /// The start time of each phase.
    pub fn steps(&self) -> impl Iterator<Item = (Duration, Phase)> {
        self.0.iter().copied()
    }

    /// The part of the time from `from` to `to` that is in a phase. The last phase has no end.
    pub(crate) fn time_in(&self, phase: Phase, from: Duration, to: Duration) -> Duration {
        let ends = self.0.iter().skip(1).map(|(start, _)| *start).chain([Duration::MAX]);
        let of_phase = self.0.iter().zip(ends).filter(|((_, is), _)| *is == phase);
        of_phase.map(|((start, _), end)| end.min(to).saturating_sub((*start).max(from))).sum()
    }

    /// Whether the load has this phase.
    pub fn has(&self, phase: Phase) -> bool {
        self.0.iter().any(|(_, has)| *has == phase)
    }
}

#[cfg(test)]
mod tests {
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
}
