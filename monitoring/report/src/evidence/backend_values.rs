//! Values of the backend's own metrics, and its caches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lookups in a cache of the backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CacheResult {
    /// Name of the cache in the catalogue.
    pub name: String,
    /// Lookups during the run that found something. Prometheus extrapolates, so the number need not
    /// be whole.
    pub hits: f64,
    /// Lookups during the run, with and without a hit.
    pub lookups: f64,
}

/// A value of the backend's own metrics, as the store returned it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackendValue {
    /// Value that is judged: the worst of the run, or its mean.
    pub value: f64,
    /// Time before [`BackendValue::at_unix_ms`] over which it is the worst or the mean, in seconds.
    pub over_s: u64,
    /// Time of the query, Unix milliseconds. The store returns the same value for this time.
    pub at_unix_ms: i64,
}
