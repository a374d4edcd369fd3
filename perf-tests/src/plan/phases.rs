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
}
