//! The agents that made a load together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of the processes that made the load together, and the quality of its clock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentResult {
    /// Number among the agents, from 1.
    pub number: u32,
    /// Process and machine: "process 4711 on node-3". `None` for a shard without a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Threads that make its requests.
    pub workers: u32,
    /// Requests that it sent, failed ones included.
    pub requests: u64,
    /// Sent requests that failed.
    pub failed: u64,
    /// Processor use of its busiest worker, as a share from 0 to 1.
    pub cpu: Option<f64>,
    /// Processor time of all its workers, in seconds.
    pub processor_s: Option<f64>,
    /// The 99th percentile of the lateness of its arrivals. `None` for a closed load.
    pub lateness_p99_ms: Option<f64>,
    /// Difference between its monotonic clock and the coordinator's. Start times are corrected by
    /// it. `None` for a shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<f64>,
    /// The offset is at most this wrong: half of the shortest round trip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_error_ms: Option<f64>,
    /// Change of the offset until the end of its load. `None` for a shard, and if it was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_drift_ms: Option<f64>,
    /// The drift is at most this wrong, if the offset at the start is exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_drift_error_ms: Option<f64>,
    /// Time from the common start until it was ready. It includes the error of its clock. Without
    /// a common start, it is the time from the beginning of the first shard to its own.
    pub start_skew_ms: f64,
    /// Start of a shard's load by the clock of its machine, RFC 3339 in UTC. Clocks of shards are
    /// not compared. `None` for an agent, and for a shard that made no load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// Whether it is a shard, which had no connection to the others and ran its own setup.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_shard: bool,
    /// Iterations that were cut off at the end, because they had not ended.
    #[serde(default)]
    pub cut_off: u64,
    /// Shared iterations that were leased to it and that it did not begin. Parts in which other
    /// agents could get more iterations do not count. 0 if the load ended early.
    #[serde(default)]
    pub untaken: u64,
    /// When and why the coordinator lost it. `None` if it made its whole share of the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
}

impl AgentResult {
    /// An agent that made no load yet, by its number from 1 and its process and machine.
    pub fn new(number: u32, place: Option<String>) -> Self {
        Self { number, place, ..Self::default() }
    }

    /// Its place after its number: " (process 4711 on node-3)". Empty if it is not known.
    pub fn describe_place(&self) -> String {
        self.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default()
    }
}
