//! Times of the phases of a load: the time base of objectives on throughput.

use monitoring::phase::{Phase, Phases};
use serde::{Deserialize, Serialize};

/// A phase of a part's load, in milliseconds from the start of the load.
///
/// It ends when it was planned to end, not when the last iteration under way has ended. A part that
/// is limited by iterations has no planned end: its last phase ends with its last iteration. In a
/// load that was stopped early, it ends with the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseTime {
    /// Phase that the load was in.
    pub phase: Phase,
    /// Start in milliseconds after the load began.
    pub from_ms: u64,
    /// Planned end in milliseconds after the load began.
    pub to_ms: u64,
}

/// Time in which at least one part is in one of the phases. With `part`, only of that part.
pub fn judged_ms(parts: &[Vec<PhaseTime>], phases: Phases, part: Option<usize>) -> u64 {
    let is_chosen = |index: &usize| part.is_none_or(|only| only == *index);
    let chosen = parts.iter().enumerate().filter(|(index, _)| is_chosen(index));
    let judged = chosen.flat_map(|(_, times)| times).filter(|time| phases.contains(time.phase));
    let mut times: Vec<_> = judged.map(|time| (time.from_ms, time.to_ms)).collect();
    times.sort_unstable();
    let (mut sum, mut end) = (0, 0);
    for (from, to) in times {
        sum += to.saturating_sub(from.max(end));
        end = end.max(to);
    }
    sum
}

#[cfg(test)]
mod tests;
