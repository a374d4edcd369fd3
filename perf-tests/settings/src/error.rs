//! What is wrong with a setting.

use super::{DEFAULT_TARGET, SETTINGS_JSON};
use monitoring::label::TagError;
use prometheus_store::HeaderError;

/// A value that makes no sense. The message says what would do; whoever asked for the value names the setting.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ValueError {
    /// Not a whole number from the least to the most.
    #[error("{0:?} is not a whole number from {1} to {2}")]
    Number(String, u64, u64),
    /// Not a duration from the least to the most.
    #[error("{0:?} is not a duration from {1} to {2}, such as 30s, 1m30s or 500ms")]
    Duration(String, String, String),
    /// Not a URL of a host to speak HTTP with. The text has no secrets.
    #[error("{0:?} is not a URL such as {DEFAULT_TARGET}: {1}")]
    Url(String, String),
    /// A tag that cannot be a label.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// A testid that cannot be a label's value and a folder's name.
    #[error("testid {0:?} is not made of 1 to 100 letters, digits, '.', '_' and '-', starting with a letter or digit")]
    Testid(String),
    /// Not a rate.
    #[error("{0:?} is not a rate such as 500/s, 30/m or 200/10s: {1}")]
    Rate(String, &'static str),
    /// Not a stage.
    #[error("{0:?} is not a stage such as 1m:10, a duration and the number to reach in it: {1}")]
    Stage(String, String),
    /// Not a header's value.
    #[error("{0:?} cannot be a header's value")]
    Header(String),
    /// Not a header for the store. The message does not repeat it.
    #[error(transparent)]
    StoreHeader(#[from] HeaderError),
    /// Anything else.
    #[error("{0}")]
    Refused(&'static str),
}

/// Settings that make no sense.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum SettingsError {
    /// A value is wrong.
    #[error("{name}: {why}")]
    Value {
        /// The flag or the variable, whichever gave the value.
        name: String,
        /// What is wrong with the value.
        why: ValueError,
    },
    /// Two settings exclude each other.
    #[error("{0}")]
    Contradiction(String),
    /// Not the JSON of settings. The message does not repeat the text, which may hold secrets.
    #[error("{SETTINGS_JSON}: not the settings that this version of cargo xtask perf writes (column {0})")]
    Json(usize),
}
