//! Delivery of metrics to the store.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Delivery of metrics to the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreResult {
    /// URL of the store, without user and password.
    pub url: String,
    /// Pushes that the store accepted.
    pub accepted: u64,
    /// Attempts that the store did not accept.
    pub refused: u64,
    /// Whether the store accepted the last push, which has the final counts.
    pub complete: bool,
    /// Whether the store has the same numbers of good and total requests as the report, for each
    /// objective. `None` if the query failed.
    pub agrees: Option<bool>,
    /// Time of the last push, Unix milliseconds. A query at this time gives the final counts.
    pub last_push_unix_ms: Option<i64>,
}
