//! Reasons why a value is missing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reason why a value is missing that an objective is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error, Serialize, Deserialize, JsonSchema)]
#[serde(from = "StoredReason", into = "ReasonWithText")]
#[schemars(with = "ReasonWithText")]
pub enum MissingValue {
    /// The planned load has no judged phase.
    #[error("the run has no judged time")]
    NoJudgedTime,
    /// The run has no store.
    #[error("no store scrapes the backend")]
    NoStore,
    /// The store has not scraped the backend, for this reason.
    #[error("{0}")]
    NotScraped(String),
    /// The store scrapes the backend, and the expression has no value.
    #[error(
        "its expression has no value: does the backend expose the metric, and is each window longer than two scrapes?"
    )]
    NotExposed,
    /// The value is this one, which is infinite or not a number.
    #[error("its expression gave {0}")]
    NotFinite(String),
    /// The store did not respond to the query, or with this error.
    #[error("{0}")]
    QueryFailed(String),
    /// An older version gave the reason as text only.
    #[error("{0}")]
    Other(String),
}

/// Kind of a reason.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum MissingValueKind {
    NoJudgedTime,
    NoStore,
    NotScraped,
    NotExposed,
    NotFinite,
    QueryFailed,
    /// Kind of a version that has no kinds, or more kinds than this one.
    #[default]
    #[serde(other)]
    Other,
}

/// A reason as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MissingValue")]
struct ReasonWithText {
    /// Kind of the reason. Older versions did not write it.
    #[serde(default)]
    cause: MissingValueKind,
    /// Value that is not finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// Reason as text.
    why: String,
}

/// A reason as this version or an older one stored it.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredReason {
    WithText(ReasonWithText),
    Text(String),
}

impl From<StoredReason> for MissingValue {
    fn from(stored: StoredReason) -> Self {
        let ReasonWithText { cause, value, why } = match stored {
            StoredReason::WithText(reason) => reason,
            StoredReason::Text(why) => return Self::Other(why),
        };
        match (cause, value) {
            (MissingValueKind::NoJudgedTime, _) => Self::NoJudgedTime,
            (MissingValueKind::NoStore, _) => Self::NoStore,
            (MissingValueKind::NotScraped, _) => Self::NotScraped(why),
            (MissingValueKind::NotExposed, _) => Self::NotExposed,
            (MissingValueKind::NotFinite, Some(value)) => Self::NotFinite(value),
            (MissingValueKind::QueryFailed, _) => Self::QueryFailed(why),
            (MissingValueKind::NotFinite | MissingValueKind::Other, _) => Self::Other(why),
        }
    }
}

impl From<MissingValue> for ReasonWithText {
    fn from(reason: MissingValue) -> Self {
        let why = reason.to_string();
        let (cause, value) = match reason {
            MissingValue::NoJudgedTime => (MissingValueKind::NoJudgedTime, None),
            MissingValue::NoStore => (MissingValueKind::NoStore, None),
            MissingValue::NotScraped(_) => (MissingValueKind::NotScraped, None),
            MissingValue::NotExposed => (MissingValueKind::NotExposed, None),
            MissingValue::NotFinite(value) => (MissingValueKind::NotFinite, Some(value)),
            MissingValue::QueryFailed(_) => (MissingValueKind::QueryFailed, None),
            MissingValue::Other(_) => (MissingValueKind::Other, None),
        };
        Self { cause, value, why }
    }
}

#[cfg(test)]
mod tests;
