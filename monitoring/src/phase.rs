//! Phases of a load: whether a request was due while the service was warming up, while load was changing, or while it
//! held. Every sample is recorded with its phase, and an objective says which phases it judges.

use crate::label::PHASE;
use crate::promql::Selector;

/// What the load was doing when a request was due.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The first moments, in which caches fill and pools grow.
    WarmUp,
    /// Load was going up or down.
    Ramp,
    /// Load held.
    Steady,
}

impl Phase {
    /// Every phase, in the order in which a load goes through them.
    pub const ALL: [Self; 3] = [Self::WarmUp, Self::Ramp, Self::Steady];

    /// The value of the label `phase`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WarmUp => "warmup",
            Self::Ramp => "ramp",
            Self::Steady => "steady",
        }
    }

    /// Its place in [`Phase::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A set of phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phases(u8);

impl Phases {
    /// All of them.
    pub const ALL: Self = Self(0b111);
    /// All but warm-up: what an objective judges unless it says otherwise.
    pub const AFTER_WARM_UP: Self = Self(0b110);

    /// Only those.
    pub const fn only(phases: &[Phase]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < phases.len() {
            set |= 1 << phases[at].index();
            at += 1;
        }
        Self(set)
    }

    /// Whether a phase is among them.
    pub const fn contains(self, phase: Phase) -> bool {
        self.0 & (1 << phase.index()) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The series of these phases among those of a selector.
    pub fn of(self, selector: Selector) -> Selector {
        let within: Vec<_> = Phase::ALL.into_iter().filter(|&phase| self.contains(phase)).map(Phase::as_str).collect();
        match (within.as_slice(), self) {
            (_, Self::ALL) => selector,
            ([only], _) => selector.with(PHASE, *only),
            (_, Self::AFTER_WARM_UP) => selector.without(PHASE, Phase::WarmUp.as_str()),
            (several, _) => selector.with_regex(PHASE, several.join("|")),
        }
    }

    /// " in ramp", " in ramp and steady"; nothing for the usual ones.
    pub(crate) fn describe(self) -> String {
        if self == Self::AFTER_WARM_UP {
            return String::new();
        }
        let names: Vec<_> = Phase::ALL.into_iter().filter(|&phase| self.contains(phase)).map(Phase::as_str).collect();
        format!(" in {}", names.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(phases: Phases) -> String {
        phases.of(Selector::new("x")).now().to_string()
    }

    #[test]
    fn a_set_of_phases_selects_its_series() {
        assert_eq!(selector(Phases::ALL), "x");
        assert_eq!(selector(Phases::AFTER_WARM_UP), "x{phase!=\"warmup\"}");
        assert_eq!(selector(Phases::only(&[Phase::Steady])), "x{phase=\"steady\"}");
        assert_eq!(selector(Phases::only(&[Phase::WarmUp, Phase::Steady])), "x{phase=~\"warmup|steady\"}");
        assert!(Phases::AFTER_WARM_UP.contains(Phase::Ramp) && !Phases::AFTER_WARM_UP.contains(Phase::WarmUp));
    }
}
