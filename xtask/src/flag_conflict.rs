//! Flags that do not go together.

/// Flags and settings that cannot be read or do not go together. The text names them and a remedy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct FlagConflict(pub(crate) String);

/// Rejects flags and settings for this reason.
pub(crate) fn conflict(why: impl Into<String>) -> Result<(), FlagConflict> {
    Err(FlagConflict(why.into()))
}

/// The first flag that is given.
pub(crate) fn first_given(flags: impl IntoIterator<Item = (&'static str, bool)>) -> Option<&'static str> {
    flags.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
}
