//! The facts of a run that its evidence and its report share.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AgentResult, CacheResult, Environment, Generator, PlanResult, StoreResult, Timeline};

/// The part of a run's evidence that its report has unchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunOverview {
    /// Label `testid` of the run's series, and name of its folder.
    pub testid: String,
    /// Name of the scenario's file in `tests/load/`.
    pub scenario: String,
    /// Service whose objectives apply, as named in the catalogue.
    pub service: String,
    /// URL of the target, without user and password.
    pub target: String,
    /// Seed of the plan and of payloads.
    pub seed: u64,
    /// Tags set by the user.
    pub tags: BTreeMap<String, String>,
    /// Start of the load, RFC 3339 in UTC.
    pub started: String,
    /// End of the load, RFC 3339 in UTC.
    pub ended: String,
    /// Start of the load, Unix milliseconds.
    pub started_unix_ms: i64,
    /// End of the load, Unix milliseconds.
    pub ended_unix_ms: i64,
    /// Planned load: "10 VUs for 30s".
    pub load: String,
    /// Whether the run is a single iteration, in which percentiles are not judged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub smoke: bool,
    /// The plan, in the form needed to repeat it, and its execution.
    #[serde(default)]
    pub plan: PlanResult,
    /// Resources that the generator used.
    #[serde(default)]
    pub generator: Generator,
    /// The agents that made the load together. Empty if one process made it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentResult>,
    /// Machine and software of the run.
    #[serde(default)]
    pub environment: Environment,
    /// Counts and quantiles over time, after warm-up.
    #[serde(default)]
    pub timeline: Timeline,
    /// Caches of the backend for which the store has data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caches: Vec<CacheResult>,
    /// Delivery of metrics to the store. `None` without a store.
    pub store: Option<StoreResult>,
}
