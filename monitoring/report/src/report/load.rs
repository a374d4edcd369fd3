//! What a report says of the load: what was planned, what became of it, and how the generator itself did.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Iterations;
use crate::millis::Millis;

/// What was planned, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanResult {
    /// SHA-256 of every planned arrival, start and stop, and of the seed: two runs with one hash were asked for the same.
    pub hash: String,
    /// One for each scenario that ran side by side.
    pub parts: Vec<PartResult>,
}

/// One of the scenarios of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartResult {
    /// The value of the label `scenario`.
    pub name: String,
    /// Its load in words.
    pub load: String,
    /// Its load as `perf_tests::plan::LoadProfile`.
    pub profile: serde_json::Value,
    /// Its iterations.
    pub iterations: Iterations,
    /// How long iterations took that ran to their end.
    pub iteration_ms: Option<Durations>,
    /// Planned arrivals; none for a closed load.
    pub arrivals: Option<ArrivalCounts>,
    /// What the kind of load means for its numbers, in words: [`OPEN`] or [`CLOSED`].
    #[serde(default)]
    pub model: String,
}

/// What a closed load's numbers hide: due is started, so a target that stands still for 10 s costs each virtual user one
/// sample, and whoever would have come meanwhile none.
pub const CLOSED: &str =
    "closed load: VUs wait for their answers, so a target's stalls are under-sampled (an open load, --rate, tells)";

/// What an open load's numbers hold.
pub const OPEN: &str = "open load: iterations begin when they are due, and response times count from then";

/// What became of planned arrivals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArrivalCounts {
    /// How many.
    pub planned: u64,
    /// Of them, begun.
    pub started: u64,
    /// Of them, begun later than `late_after_ms` after they were due.
    pub late: u64,
    /// What counts as late, in milliseconds.
    pub late_after_ms: f64,
    /// How late they were begun.
    pub lateness_ms: Option<Durations>,
}

/// Quantiles of durations in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Durations {
    /// The median.
    pub p50: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// What the generator knows of itself: shares from 0 to 1 of the time that load ran. None where the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// Worker threads.
    pub workers: u32,
    /// How busy the busiest of them was.
    pub cpu: Option<f64>,
    /// How long the worst off of them was ready to run and had no processor.
    pub run_queue: Option<f64>,
    /// Processor time that the hypervisor gave to others.
    pub steal: Option<f64>,
}

/// Latencies of one segment of a scenario, endpoint by endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentResult {
    /// The segment's name: "day 3".
    pub name: String,
    /// Its endpoints by name.
    pub endpoints: BTreeMap<String, SegmentLatency>,
}

/// Latencies of one endpoint in one segment, failed requests counted as infinite.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentLatency {
    /// Requests.
    pub requests: u64,
    /// Of them, failed.
    pub failed: u64,
    /// The median, to two significant digits.
    pub p50_ms: Option<Millis>,
    /// The 95th percentile, likewise.
    pub p95_ms: Option<Millis>,
}

/// A check of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// Its name.
    pub name: String,
    /// How often it was tried.
    pub tried: u64,
    /// How often it did not pass.
    pub failed: u64,
}
