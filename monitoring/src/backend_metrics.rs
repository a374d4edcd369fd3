//! What the backend says of itself: the metrics that prometheus-fastapi-instrumentator 8.1.0 and Python's
//! `prometheus_client` serve at `/metrics`. Durations are in seconds there.

use std::collections::BTreeSet;

use crate::catalogue::Catalogue;
use crate::endpoint::Endpoint;
use crate::label::{BACKEND_JOB, HANDLER, JOB, METHOD};
use crate::promql::Selector;
use crate::ratio::decimal;
use crate::slo::Slo;

/// Requests by `method`, `status` ("2xx") and `handler`.
pub const REQUESTS: &str = "http_requests_total";
/// A histogram by `method` and `handler`, with few buckets unless the application is given more.
pub const DURATION: &str = "http_request_duration_seconds";
/// A histogram of all requests, with many buckets.
pub const DURATION_FINE: &str = "http_request_duration_highr_seconds";
/// Requests under way, if the application is asked to say.
pub const IN_FLIGHT: &str = "http_requests_inprogress";
/// Processor time, in seconds.
pub const CPU: &str = "process_cpu_seconds_total";
/// Memory, in bytes.
pub const MEMORY: &str = "process_resident_memory_bytes";
/// Connections of the pool by `db_client_connection_state` ("used", "idle"), by OpenTelemetry's semantic conventions.
pub const CONNECTIONS: &str = "db_client_connection_count";
/// How many there may be.
pub const MAX_CONNECTIONS: &str = "db_client_connection_max";
/// When the process started, in seconds since 1970: another value is another process, whose counters began at zero.
pub const STARTED: &str = "process_start_time_seconds";
/// When each series of the counter of requests began, in seconds since 1970, by the clock's full resolution: `prometheus_client` writes one
/// beside each counter, unless it is told not to.
pub const CREATED: &str = "http_requests_created";

/// A metric of the backend's, as Prometheus scraped it.
pub fn scraped(metric: impl Into<String>) -> Selector {
    Selector::new(metric).with(JOB, BACKEND_JOB)
}

/// The same, of one endpoint's handler.
pub fn of_handler(metric: impl Into<String>, endpoint: &Endpoint) -> Selector {
    scraped(metric).with(METHOD, endpoint.method.as_str()).with(HANDLER, endpoint.handler())
}

/// Python that gives the instrumentator buckets at each threshold of all services, and at half and twice of it: with them
/// the backend's own histograms answer the question that the objectives ask.
pub fn buckets(services: &[&Catalogue]) -> String {
    let thresholds = services.iter().flat_map(|catalogue| catalogue.slos).filter_map(Slo::threshold);
    let bounds: BTreeSet<_> = thresholds.flat_map(|threshold| [threshold / 2, threshold, threshold * 2]).collect();
    // Seconds, from nanoseconds.
    let bounds: Vec<_> = bounds.into_iter().map(|bound| decimal(bound.as_nanos(), 9)).collect();
    format!("LATENCY_BUCKETS_SECONDS = ({},)\n", bounds.join(", "))
}
