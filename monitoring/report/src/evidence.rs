//! Everything that was measured in a run: immutable, complete in itself, and the only thing that a run is judged by.
//!
//! It is written by whoever made the load and read by whoever judges, perhaps on another machine.

mod counts;
mod histogram;
mod snapshot;

use std::borrow::Cow;
use std::collections::BTreeMap;

use monitoring::catalogue::Catalogue;
use serde::{Deserialize, Serialize};

pub use counts::{
    CheckCounts, EndpointCounts, GeneratorHealth, IterationCounts, RequestCounts, SegmentCounts, SegmentKey,
    ServerTimes, StatusCounts, ThreadTimes,
};
pub use histogram::{Bounds, Buckets, Latency, Spread, bounds, nanos};
pub use snapshot::{Layout, PartCounts, Snapshot};

use crate::finding::Finding;
use crate::{BackendValue, CacheResult, Environment, Generator, PlanResult, StoreResult, Timeline};

/// The version of the evidence's form.
pub const SCHEMA: u32 = 1;

/// What was measured in a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Evidence {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run's name.
    pub testid: String,
    /// The scenario's name.
    pub scenario: String,
    /// The service of the catalogue that it is judged by.
    pub service: String,
    /// Where requests went, without user and password.
    pub target: String,
    /// What the plan and payloads were made from.
    pub seed: u64,
    /// The user's labels.
    pub tags: BTreeMap<String, String>,
    /// When load began, RFC 3339 in UTC.
    pub started: String,
    /// When load ended, RFC 3339 in UTC.
    pub ended: String,
    /// When load began, Unix milliseconds.
    pub started_unix_ms: i64,
    /// When load ended, Unix milliseconds.
    pub ended_unix_ms: i64,
    /// The planned load in words: "10 VUs for 30s".
    pub load: String,
    /// Names of all endpoints of the catalogue, in its order, which counts are kept in.
    pub endpoints: Vec<String>,
    /// Names of the endpoints that the scenario exercises.
    pub exercised: Vec<String>,
    /// Checks that the scenario says it makes.
    pub checks: Vec<Cow<'static, str>>,
    /// The plan, and what became of it.
    pub plan: PlanResult,
    /// How the generator did.
    pub generator: Generator,
    /// The machine and the software.
    pub environment: Environment,
    /// The timeline of the run, after warm-up.
    pub timeline: Timeline,
    /// All counts.
    pub counts: Snapshot,
    /// What became of the metrics; none if there was no store.
    pub store: Option<StoreResult>,
    /// Values of the backend's own metrics, one for each objective on them.
    pub backend: Vec<BackendAnswer>,
    /// The backend's caches; only those of which something is known.
    pub caches: Vec<CacheResult>,
    /// What stood in the way of the run, and what should be known of it.
    pub findings: Vec<Finding>,
}

/// The value that an objective on the backend's own metrics is judged by, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackendAnswer {
    /// The objective's name.
    pub id: String,
    /// The value.
    pub value: Result<BackendValue, String>,
}

impl Evidence {
    /// Whether it was measured by this catalogue's endpoints and thresholds.
    pub fn is_of(&self, catalogue: &Catalogue) -> bool {
        let layout = Layout::new(catalogue, Vec::new());
        self.service == catalogue.service
            && self.endpoints.iter().map(String::as_str).eq(catalogue.endpoints.iter().map(|endpoint| endpoint.name))
            && self.counts.parts.iter().all(|part| part.has(&layout))
    }
}
