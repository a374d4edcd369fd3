//! The shared parts of flags: settings, values, and the errors about them.

pub(crate) mod flag_conflict;
pub(crate) mod flag_error;
pub(crate) mod rule_args;
pub(crate) mod setting_args;
pub(crate) mod values;
