//! Interim checks of a comparison, and the share of alpha that each uses.

use std::f64::consts::E;

use super::count;

/// Interim checks of a comparison, planned before the first round.
#[derive(Debug, Clone, PartialEq)]
pub struct Looks {
    /// Number of pairs and level of each check, ascending. The last check is at the end.
    planned: Vec<(usize, f64)>,
}

impl Looks {
    /// Plans `looks` checks, evenly spread over `pairs` pairs. If there are fewer pairs than
    /// checks, there is a check after each pair.
    pub fn new(pairs: usize, looks: usize, alpha: f64) -> Self {
        let looks = looks.clamp(1, pairs.max(1));
        let mut spent = 0.0;
        let planned = (1..=looks).map(|look| {
            let at = (pairs * look).div_ceil(looks);
            let share = count(at) / count(pairs.max(1));
            let by_then = alpha * (1.0 + (E - 1.0) * share).ln();
            let level = by_then - spent;
            spent = by_then;
            (at, level)
        });
        Self { planned: planned.collect() }
    }

    /// Level of the check after `pairs` pairs. `None` if no check is due.
    pub fn level(&self, pairs: usize) -> Option<f64> {
        self.planned.iter().find(|(at, _)| *at == pairs).map(|(_, level)| *level)
    }

    /// Level of the last check.
    pub fn last(&self) -> f64 {
        self.planned.last().map_or(0.0, |(_, level)| *level)
    }
}

#[cfg(test)]
mod tests;
