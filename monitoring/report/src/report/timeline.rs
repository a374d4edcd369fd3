//! What a report says of a run's course: counts and quantiles of equal sections of its time.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::millis::Millis;
use monitoring::phase::Phase;

/// The course of a run. Sections grow with its length, so that there are never more than some hundred.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// How long a section is, in milliseconds; the last one is what was left, and one may be longer where the generator was held up.
    pub interval_ms: u64,
    /// From the start of the load to its end.
    pub slices: Vec<Slice>,
}

/// A section of a run's time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Slice {
    /// When it begins, milliseconds after the load did.
    pub from_ms: u64,
    /// When it ends.
    pub to_ms: u64,
    /// What the load was doing in its middle; none where all of it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Virtual users that were to be active in its middle; of an open load the most that it may use.
    pub planned_vus: u32,
    /// Virtual users active at its end.
    pub vus: u32,
    /// Arrivals that were due; none of a closed load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<u64>,
    /// Arrivals that began; none of a closed load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<u64>,
    /// Requests that ended, warm-up included.
    pub requests: u64,
    /// Of them, failed.
    pub failed: u64,
    /// Endpoint by endpoint; only those that had requests after warm-up.
    pub endpoints: BTreeMap<String, SliceOfEndpoint>,
}

/// An endpoint's requests after warm-up in a section of a run's time, failed ones counted as infinitely slow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SliceOfEndpoint {
    /// How many.
    pub requests: u64,
    /// Of them, failed.
    pub failed: u64,
    /// Of them, within what the endpoint's objective on latency promises; none if it has no such objective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<u64>,
    /// The median.
    pub p50_ms: Millis,
    /// The 95th percentile.
    pub p95_ms: Millis,
}
