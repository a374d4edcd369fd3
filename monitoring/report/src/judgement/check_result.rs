//! The result of a check.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Numbers of passes and failures of a check of the scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// Name in the scenario: "has a room".
    pub name: String,
    /// Responses that were checked.
    pub tried: u64,
    /// Tries that did not pass.
    pub failed: u64,
}
