//! The result of an endpoint: numbers of requests and latencies.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{BodyBytes, StatusKey};
use crate::failure::FailureKind;
use crate::millis::Millis;
use crate::quantile::CurvePoint;

/// Requests by what is known about them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requests {
    /// Requests that were sent and recorded, failed ones included.
    pub sent: u64,
    /// Sent requests without a response, with a wrong status, or with a failed check.
    pub failed: u64,
    /// Requests that were cut off or never made. Their results are unknown.
    pub unknown: u64,
}

/// Requests of one endpoint by the load, and their latencies after warm-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointResult {
    /// Name in the catalogue.
    pub name: String,
    /// Requests in all phases, warm-up included.
    pub requests: Requests,
    /// Requests that were started and cut off. They are part of the unknown ones, and the backend
    /// may have counted them.
    #[serde(default)]
    pub cut: u64,
    /// Requests that were sent once more on a new connection, because the server closed a reused
    /// connection without a response. The backend may have counted them twice.
    #[serde(default, skip_serializing_if = "crate::verdict::is_zero")]
    pub reconnects: u64,
    /// Bytes of response bodies. Bytes of bodies that were cut off are not part of them.
    #[serde(default, skip_serializing_if = "BodyBytes::is_empty")]
    pub bodies: BodyBytes,
    /// Requests by status code. "0" means no response.
    pub by_status: BTreeMap<StatusKey, u64>,
    /// Failed requests by the first thing that was wrong.
    pub errors: BTreeMap<FailureKind, u64>,
    /// Median latency of all requests. Failed requests count as infinite.
    pub p50_ms: Option<Millis>,
    /// 95th percentile of latency. Failed requests count as infinite.
    pub p95_ms: Option<Millis>,
    /// 99th percentile of latency. Failed requests count as infinite.
    pub p99_ms: Option<Millis>,
    /// Percentile curve, up to the last percentile that at least one request exceeds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<CurvePoint>,
    /// Median of response times, which begin when requests are due. Only open loads have them.
    #[serde(default)]
    pub response_p50_ms: Option<Millis>,
    /// The 95th percentile of response times.
    #[serde(default)]
    pub response_p95_ms: Option<Millis>,
    /// The 99th percentile of response times.
    #[serde(default)]
    pub response_p99_ms: Option<Millis>,
    /// Durations that the backend reported for some of its responses, if it sends `Server-Timing`.
    #[serde(default)]
    pub server_timing: Option<ServerTiming>,
}

/// Requests whose duration the backend reported.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerTiming {
    /// Number of these requests. They are a sample: every n-th request of each VU.
    pub requests: u64,
    /// Mean of the durations reported by the backend.
    pub server_mean_ms: f64,
    /// Mean of the latencies of the same requests.
    pub client_mean_ms: f64,
}
