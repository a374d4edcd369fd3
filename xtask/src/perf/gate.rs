//! The findings by which a comparison fails a run (`--gate`).

/// Findings that fail a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Gate {
    /// Missed objectives of the head, over all its rounds
    Absolute,
    /// Slow-downs relative to the base
    Relative,
    /// Either of the two
    Both,
}

impl Gate {
    pub(crate) const fn judges_objectives(self) -> bool {
        matches!(self, Self::Absolute | Self::Both)
    }

    pub(crate) const fn judges_changes(self) -> bool {
        matches!(self, Self::Relative | Self::Both)
    }
}
