//! Flags that do not go together.

use crate::refusal::Refusal;

/// Rejects flags and settings that cannot be read or do not go together. The text names them.
pub(crate) fn conflict(why: impl Into<String>) -> Result<(), Refusal> {
    Err(Refusal(why.into()))
}

/// The first flag that is given.
pub(crate) fn first_given(flags: impl IntoIterator<Item = (&'static str, bool)>) -> Option<&'static str> {
    flags.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
}
