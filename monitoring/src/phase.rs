//! Phases of a load: warm-up, changing load and constant load. Every sample is recorded with the
//! phase in which its request was due, and every objective names the phases that it judges.

use crate::label::PHASE;
use crate::promql::Selector;

/// Phase of the load when a request was due.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Warm-up at the beginning: caches fill and pools grow.
    WarmUp,
    /// The load increases or decreases.
    Ramp,
    /// The load is constant.
    Steady,
}

impl Phase {
    /// All phases, in the order of a typical load.
    pub const ALL: [Self; 3] = [Self::WarmUp, Self::Ramp, Self::Steady];

    /// Value of the label `phase`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WarmUp => "warmup",
            Self::Ramp => "ramp",
            Self::Steady => "steady",
        }
    }

    /// Index in [`Phase::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A set of phases.
///
/// ```
/// # use monitoring::phase::{Phase, Phases};
/// const CONSTANT_LOAD: Phases = Phases::only(&[Phase::Steady]);
/// assert!(!CONSTANT_LOAD.contains(Phase::Ramp));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phases(u8);

impl Phases {
    /// All phases.
    pub const ALL: Self = Self(0b111);
    /// All phases except warm-up. Objectives judge these by default.
    pub const AFTER_WARM_UP: Self = Self(0b110);

    /// Only the given phases.
    pub const fn only(phases: &[Phase]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < phases.len() {
            set |= 1 << phases[at].index();
            at += 1;
        }
        Self(set)
    }

    /// Whether the set contains a phase.
    pub const fn contains(self, phase: Phase) -> bool {
        self.0 & (1 << phase.index()) != 0
    }

    /// Whether the set is empty. An objective on an empty set is invalid.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Restricts a selector to series of these phases.
    pub fn select(self, selector: Selector) -> Selector {
        match (self.names().as_slice(), self) {
            (_, Self::ALL) => selector,
            ([only], _) => selector.with(PHASE, *only),
            (_, Self::AFTER_WARM_UP) => selector.without(PHASE, Phase::WarmUp.as_str()),
            (several, _) => selector.with_regex(PHASE, several.join("|")),
        }
    }

    /// End of the names of rules and alerts: "_in_ramp", "_in_ramp_and_steady"; empty for the
    /// default phases.
    pub(crate) fn name(self) -> String {
        if self == Self::AFTER_WARM_UP {
            return String::new();
        }
        format!("_in_{}", self.names().join("_and_"))
    }

    /// Text after an objective: " in ramp", " in ramp and steady"; empty for the default phases.
    pub(crate) fn describe(self) -> String {
        self.name().replace('_', " ")
    }

    /// The phases of the set, in the order of [`Phase::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Phase> + Clone {
        Phase::ALL.into_iter().filter(move |&phase| self.contains(phase))
    }

    fn names(self) -> Vec<&'static str> {
        self.iter().map(Phase::as_str).collect()
    }
}

#[cfg(test)]
mod tests;
