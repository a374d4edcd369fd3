//! The result of a check.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Evaluations of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// Name of the check.
    pub name: String,
    /// Number of evaluations.
    pub tried: u64,
    /// Evaluations that did not pass.
    pub failed: u64,
}
