//! Names of the metrics of the backend's process, which libraries of all languages share. The names
//! of those of its requests differ, see [`crate::backend_mapping`].

use std::collections::BTreeSet;

use crate::catalogue::Catalogue;
use crate::label::{BACKEND_JOB, JOB};
use crate::promql::Selector;
use crate::ratio::decimal;
use crate::slo::Slo;

/// CPU time, in seconds.
pub const CPU: &str = "process_cpu_seconds_total";
/// Resident memory, in bytes.
pub const MEMORY: &str = "process_resident_memory_bytes";
/// Start time of the process, in seconds since 1970. If it changes, another process serves the
/// metrics, and its counters began at zero.
pub const STARTED: &str = "process_start_time_seconds";

/// OpenTelemetry's gauge whose labels describe the process.
pub const INFO: &str = "target_info";
/// Label of [`INFO`] that differs between processes.
pub const INSTANCE_ID: &str = "service_instance_id";

/// Series of a backend metric, as Prometheus scraped them.
pub fn scraped(metric: impl Into<String>) -> Selector {
    Selector::new(metric).with(JOB, BACKEND_JOB)
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
