//! The agents that made a load together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of the processes that made the load together, and the quality of its clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentResult {
    /// Number among the agents, from 1.
    pub number: u32,
    /// Process and machine: "process 4711 on node-3".
    pub place: String,
    /// Number of worker threads.
    pub workers: u32,
    /// Requests that it sent, failed ones included.
    pub requests: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Processor use of its busiest worker, as a share from 0 to 1.
    pub cpu: Option<f64>,
    /// Processor time of all its workers, in seconds.
    pub processor_s: Option<f64>,
    /// The 99th percentile of the lateness of its arrivals. `None` for a closed load.
    pub lateness_p99_ms: Option<f64>,
    /// Difference between its monotonic clock and the coordinator's. Start times are corrected by
    /// it.
    pub clock_offset_ms: f64,
    /// The offset is at most this wrong: half of the shortest round trip.
    pub clock_error_ms: f64,
    /// How long after the common start it was ready. It includes the error of its clock.
    pub start_skew_ms: f64,
    /// When and why the coordinator lost it. `None` if it made its whole share of the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
}
