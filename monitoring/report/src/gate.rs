//! The results that can fail a comparison.

/// Results that can fail a comparison: missed objectives, changes, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Missed objectives of the head, over all its rounds.
    Absolute,
    /// Slow-downs relative to the base.
    Relative,
    /// Either of the two.
    Both,
}

impl Gate {
    /// Whether missed objectives count in the exit code.
    pub const fn judges_objectives(self) -> bool {
        matches!(self, Self::Absolute | Self::Both)
    }

    /// Whether changes of endpoints count in the exit code.
    pub const fn judges_changes(self) -> bool {
        matches!(self, Self::Relative | Self::Both)
    }
}
