//! The backend's caches in a report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lookups in a cache of the backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CacheResult {
    /// Name of the cache.
    pub name: String,
    /// Lookups during the run that found something. Prometheus extrapolates, so the number need not
    /// be whole.
    pub hits: f64,
    /// All lookups.
    pub lookups: f64,
}
