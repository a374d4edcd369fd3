//! What is wrong with a setting.

use super::DEFAULT_TARGET;
use crate::label::TagError;

/// A setting that makes no sense. Each message names the variable or flag and says what would do.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum SettingsError {
    /// Not a whole number in range.
    #[error("{name}: {value:?} is not a whole number from {min} to {max}")]
    Number {
        /// The setting.
        name: String,
        /// What was given.
        value: String,
        /// The least that makes sense.
        min: u64,
        /// The most.
        max: u64,
    },
    /// Not a duration in range.
    #[error("{name}: {value:?} is not a duration from {min} to {max}, such as 30s, 1m30s or 500ms")]
    Duration {
        /// The setting.
        name: String,
        /// What was given.
        value: String,
        /// The least that makes sense.
        min: String,
        /// The most.
        max: String,
    },
    /// Not a URL of a host to speak HTTP with.
    #[error("{name}: {value:?} is not a URL such as {DEFAULT_TARGET}: {why}")]
    Url {
        /// The setting.
        name: String,
        /// What was given, without secrets.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// A tag that cannot be a label.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// A testid that cannot be a label's value and a folder's name.
    #[error("testid {0:?} is not made of 1 to 100 letters, digits, '.', '_' and '-', starting with a letter or digit")]
    Testid(String),
    /// Not a rate.
    #[error("{name}: {value:?} is not a rate such as 500/s, 30/m or 200/10s: {why}")]
    Rate {
        /// The setting.
        name: String,
        /// What was given.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// Not a stage.
    #[error("{name}: {value:?} is not a stage such as 1m:10, a duration and the number to reach in it: {why}")]
    Stage {
        /// The setting.
        name: String,
        /// What was given.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// Two settings that exclude each other.
    #[error("{0}")]
    Contradiction(&'static str),
    /// Not a header's value.
    #[error("{name}: {value:?} cannot be a header's value")]
    Header {
        /// The setting.
        name: String,
        /// What was given.
        value: String,
    },
    /// k6 refuses this too.
    #[error("{iterations} iterations cannot be shared by {vus} VUs: each VU needs at least one")]
    FewerIterationsThanVus {
        /// How many iterations.
        iterations: u64,
        /// Among how many VUs.
        vus: u32,
    },
}
