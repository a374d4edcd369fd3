//! Intervals, retention and resource limits of the monitoring stack.

use std::time::Duration;

/// Default interval between two pushes of a run, as in k6. It is also the dashboard's smallest
/// step.
pub const PUSH_INTERVAL: Duration = Duration::from_secs(5);
/// Longest interval between two pushes. Grafana shows rates over at least four times
/// [`PUSH_INTERVAL`]. That window must hold two pushes, even if one of them is up to a second late.
pub const MAX_PUSH_INTERVAL: Duration = Duration::from_secs(PUSH_INTERVAL.as_secs() * 2 - 1);
/// Interval between two scrapes of the backend's `/metrics`.
pub const SCRAPE_INTERVAL: Duration = Duration::from_secs(5);
/// Retention of samples in Prometheus.
pub const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);
/// Limits of the Prometheus container. A run has a few thousand series, which need a tenth of these
/// resources.
pub const PROMETHEUS: Limits = Limits { memory_bytes: 1 << 30, millicores: 1_000, processes: 512 };
/// Limits of the Grafana container.
pub const GRAFANA: Limits = Limits { memory_bytes: 1 << 30, millicores: 1_000, processes: 512 };

/// Resource limits of a container. They keep the rest of the machine free for the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory in bytes. The kernel kills a container that exceeds it.
    pub memory_bytes: i64,
    /// CPU time, in thousandths of a core.
    pub millicores: i64,
    /// Number of processes and threads.
    pub processes: i64,
}
