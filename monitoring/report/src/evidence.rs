//! Everything that a run measured: immutable, complete, and the only input of its judgement.
//!
//! The process that makes the load writes it. The process that judges reads it, perhaps on another
//! machine.

mod agent_result;
mod backend_values;
mod counts;
mod environment;
mod failures;
mod generator_health;
mod growth;
mod histogram;
mod large_number;
mod measures;
mod missing_value;
mod phase_time;
mod plan_result;
mod run_overview;
mod segments;
mod snapshot;
mod status_key;
mod store_result;
mod timeline;

use std::borrow::Cow;

use monitoring::catalogue::Catalogue;
use serde::{Deserialize, Serialize};

pub use agent_result::AgentResult;
pub use backend_values::{BackendValue, CacheResult};
pub use counts::{
    BodyBytes, CheckCounts, EndpointCounts, IterationCounts, RequestCounts, SegmentCounts, ServerTimes, SpanCounts,
    StatusCounts, ThreadTimes,
};
pub use environment::{Environment, TargetHost};
pub use failures::{FailedRequest, FailureCause, FailureCauses, FailureDetail, body_text, describe_status};
pub use generator_health::{AgentHealth, GeneratorHealth};
pub use histogram::{Bounds, Buckets, DurationHistogram, Latency, bounds, is_decodable, nanos};
pub use measures::{MeasureCounts, Measures};
pub use missing_value::MissingValue;
pub use phase_time::{PhaseTime, judged_ms};
pub use plan_result::{
    ArrivalCounts, Durations, Generator, Iterations, LoadModel, PartResult, PlanResult, SegmentLatency,
};
pub use run_overview::RunOverview;
pub use segments::Segments;
pub use snapshot::{Layout, PartCounts, Selection, Snapshot};
pub use status_key::StatusKey;
pub use store_result::StoreResult;
pub use timeline::{EndpointSlice, Slice, Timeline};

use crate::finding::Finding;

/// Schema version of the evidence.
pub const SCHEMA: u32 = 1;

/// Everything that is known about a run before it is judged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Evidence {
    /// [`SCHEMA`] when it was written.
    pub schema: u32,
    /// The part that the report has, too.
    #[serde(flatten)]
    pub run: RunOverview,
    /// Names of all endpoints in the catalogue, in its order. Counts have the same order.
    pub endpoints: Vec<String>,
    /// Names of the endpoints that the scenario requests.
    pub exercised: Vec<String>,
    /// Names of the checks that the scenario declares.
    pub checks: Vec<Cow<'static, str>>,
    /// Names of the measures that the scenario declares.
    #[serde(default)]
    pub measures: Vec<Cow<'static, str>>,
    /// For each part: the times of its phases. Older versions did not write them.
    #[serde(default)]
    pub phases: Vec<Vec<PhaseTime>>,
    /// Time in which the generator stood still, of the worker that ran least. Older versions did
    /// not write it.
    #[serde(default)]
    pub paused_ms: Option<u64>,
    /// Counts of all workers and agents, merged.
    pub counts: Snapshot,
    /// Values of the backend's own metrics, one for each objective on them.
    pub backend: Vec<BackendMeasurement>,
    /// Problems during the run, and other findings.
    pub findings: Vec<Finding>,
}

/// Value for an objective on the backend's own metrics, or the reason for its absence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackendMeasurement {
    /// ID of the objective in the catalogue: "backend:memory".
    pub id: String,
    /// Value, or the reason for its absence.
    pub value: Result<BackendValue, MissingValue>,
}

impl Evidence {
    /// Whether the run was measured with the endpoints and thresholds of `catalogue`.
    pub fn matches(&self, catalogue: &Catalogue) -> bool {
        let layout = Layout::new(catalogue, Vec::new());
        self.run.service == catalogue.service
            && self.endpoints.iter().map(String::as_str).eq(catalogue.endpoints.iter().map(|endpoint| endpoint.name))
            && self.counts.parts.iter().all(|part| part.fits(&layout))
    }
}
