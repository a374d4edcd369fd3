//! The plan, its execution, and the generator's resources.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::millis::Millis;

/// The plan and its execution.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanResult {
    /// SHA-256 of every planned arrival, start and stop, and of the seed. Runs with the same hash
    /// planned the same load.
    pub hash: String,
    /// Loads of the run, one for each scenario that ran side by side.
    pub parts: Vec<PartResult>,
}

/// One load of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartResult {
    /// Value of the label `scenario`.
    pub name: String,
    /// Planned load: "10 VUs for 30s".
    pub load: String,
    /// The load as `perf_tests::plan::LoadProfile`.
    pub profile: serde_json::Value,
    /// Iterations by how they ended.
    pub iterations: Iterations,
    /// Durations of completed iterations, pauses included.
    pub iteration_ms: Option<Durations>,
    /// Whether the load waits for responses.
    #[serde(flatten)]
    pub model: LoadModel,
    /// Latencies after warm-up by name of the endpoint, if several loads ran side by side.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoints: BTreeMap<String, SegmentLatency>,
}

/// Whether a load waits for responses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "LoadModelFields", into = "LoadModelFields")]
#[schemars(with = "LoadModelFields")]
pub enum LoadModel {
    /// Iterations start when they are due.
    Open(ArrivalCounts),
    /// A request is due when it starts. A target that stalls for 10 s costs each VU a single slow
    /// sample, and requests that users would have made meanwhile are missing.
    Closed,
}

/// A model of a load, as in JSON.
#[derive(Serialize, Deserialize, JsonSchema)]
struct LoadModelFields {
    /// Planned arrivals. `None` for a closed load.
    arrivals: Option<ArrivalCounts>,
    /// Effect of the kind of load on its numbers, as text.
    #[serde(default)]
    model: String,
}

impl From<LoadModelFields> for LoadModel {
    fn from(fields: LoadModelFields) -> Self {
        fields.arrivals.map_or(Self::Closed, Self::Open)
    }
}

impl From<LoadModel> for LoadModelFields {
    fn from(model: LoadModel) -> Self {
        Self { arrivals: model.arrivals().cloned(), model: model.describe().to_owned() }
    }
}

impl LoadModel {
    /// Planned arrivals. `None` for a closed load.
    pub const fn arrivals(&self) -> Option<&ArrivalCounts> {
        match self {
            Self::Open(arrivals) => Some(arrivals),
            Self::Closed => None,
        }
    }

    /// Effect of the kind of load on its numbers.
    pub const fn describe(&self) -> &'static str {
        match self {
            Self::Open(_) => "open load: iterations start when they are due, and response times count from then",
            Self::Closed => {
                "closed load: VUs wait for responses, so a stall leaves few samples; requests that were not sent \
                 because of a stall count as unknown"
            }
        }
    }
}

/// Iterations by how they ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Iterations {
    /// Completed iterations, failed ones included.
    pub completed: u64,
    /// Completed iterations that ended with an error.
    pub failed: u64,
    /// Iterations that were cut off at the end of the run.
    pub interrupted: u64,
    /// Iterations that were planned but never started.
    pub dropped: u64,
}

/// Arrivals of an open load: planned, started and late.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArrivalCounts {
    /// Arrivals in the plan, up to its planned end.
    pub planned: u64,
    /// Arrivals for which a VU was free.
    pub started: u64,
    /// Arrivals that were started more than `late_after_ms` after they were due.
    pub late: u64,
    /// Lateness in milliseconds from which an arrival is late.
    pub late_after_ms: f64,
    /// Lateness of arrivals that were started.
    pub lateness_ms: Option<Durations>,
}

/// Quantiles of durations in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Durations {
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Longest duration.
    pub max: f64,
}

/// Resources of the generator, as shares from 0 to 1 of the duration of the load. `None` if the
/// system does not provide the value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// Threads that make requests, of all agents.
    pub workers: u32,
    /// Processor use of the busiest worker.
    pub cpu: Option<f64>,
    /// Time that a worker was ready to run but had no processor, for the worker that waited
    /// longest.
    pub run_queue: Option<f64>,
    /// Processor time that the hypervisor gave to other machines.
    pub steal: Option<f64>,
}

/// Latencies of one endpoint in one segment or part. Failed requests count as infinite.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentLatency {
    /// Requests that were made and recorded, failed ones included.
    pub requests: u64,
    /// Recorded requests that failed.
    pub failed: u64,
    /// Median, with two significant digits.
    pub p50_ms: Option<Millis>,
    /// 95th percentile, with two significant digits.
    pub p95_ms: Option<Millis>,
}
