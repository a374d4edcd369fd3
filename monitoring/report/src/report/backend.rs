//! What a report says of the backend's caches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How often a cache of the backend's had what was looked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CacheResult {
    /// Its name.
    pub name: String,
    /// Look-ups during the run that found something. Prometheus extrapolates, so it is not a whole number.
    pub hits: f64,
    /// All look-ups.
    pub lookups: f64,
}
