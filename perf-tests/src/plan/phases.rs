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
mod tests;
