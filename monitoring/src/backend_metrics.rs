//! Names of the metrics that the backend itself serves at `/metrics`, as
//! prometheus-fastapi-instrumentator 8.1.0 and Python's `prometheus_client` write them. Durations
//! there are in seconds.

use std::collections::BTreeSet;

use crate::catalogue::Catalogue;
use crate::endpoint::Endpoint;
use crate::label::{BACKEND_JOB, HANDLER, JOB, METHOD};
use crate::promql::Selector;
use crate::ratio::decimal;
use crate::slo::Slo;

/// Counter of requests by `method`, `status` ("2xx") and `handler`.
pub const REQUESTS: &str = "http_requests_total";
/// Histogram of durations by `method` and `handler`. It has few buckets unless the application sets
/// more, see [`buckets`].
pub const DURATION: &str = "http_request_duration_seconds";
/// Histogram of the durations of all requests together, with many buckets.
pub const DURATION_FINE: &str = "http_request_duration_highr_seconds";
/// Requests in flight. The application serves it only with
/// `should_instrument_requests_inprogress=True`.
pub const IN_FLIGHT: &str = "http_requests_inprogress";
/// CPU time, in seconds.
pub const CPU: &str = "process_cpu_seconds_total";
/// Resident memory, in bytes.
pub const MEMORY: &str = "process_resident_memory_bytes";
/// Connections of the pool by `db_client_connection_state` ("used", "idle"), named by
/// OpenTelemetry's semantic conventions.
pub const CONNECTIONS: &str = "db_client_connection_count";
/// Maximum number of connections in the pool.
pub const MAX_CONNECTIONS: &str = "db_client_connection_max";
/// Start time of the process, in seconds since 1970. If it changes, another process serves the
/// metrics, and its counters began at zero.
pub const STARTED: &str = "process_start_time_seconds";
/// Creation time of each series of the request counter, in seconds since 1970, at the clock's full
/// resolution. `prometheus_client` writes one beside each counter unless that is turned off.
pub const CREATED: &str = "http_requests_created";

/// Series of a backend metric, as Prometheus scraped them.
pub fn scraped(metric: impl Into<String>) -> Selector {
    Selector::new(metric).with(JOB, BACKEND_JOB)
}

/// Series of a backend metric for one endpoint's handler.
pub fn scraped_from_handler(metric: impl Into<String>, endpoint: &Endpoint) -> Selector {
    scraped(metric).with(METHOD, endpoint.method.as_str()).with(HANDLER, endpoint.handler())
}

/// Python source with bucket bounds for the instrumentator: each threshold of all services, half of
/// it and twice of it. With these the backend's own histograms have a count at each threshold.
pub fn buckets(services: &[&Catalogue]) -> String {
    let thresholds = services.iter().flat_map(|catalogue| catalogue.slos).filter_map(Slo::threshold);
    let bounds: BTreeSet<_> = thresholds.flat_map(|threshold| [threshold / 2, threshold, threshold * 2]).collect();
    // From nanoseconds to seconds.
    let bounds: Vec<_> = bounds.into_iter().map(|bound| decimal(bound.as_nanos(), 9)).collect();
    format!("LATENCY_BUCKETS_SECONDS = ({},)\n", bounds.join(", "))
}
