//! The error of a command that cannot run before the user changes something.

use std::fmt::Display;

/// Why a command cannot run. The text names a remedy. The exit code is that of a bad configuration.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refusal(pub(crate) String);

/// Refuses to run a command, with the reason and its causes.
pub(crate) fn refuse(why: impl Display) -> anyhow::Error {
    Refusal(format!("{why:#}")).into()
}
