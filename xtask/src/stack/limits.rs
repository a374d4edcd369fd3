//! Retention and resource limits of the stack.

use std::time::Duration;

/// Retention of samples in Prometheus.
pub(super) const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);
/// Limits of the Prometheus container. A run has a few thousand series, which need a tenth of these
/// resources.
pub(super) const PROMETHEUS: Limits = Limits { memory_bytes: 1 << 30, millicores: 1_000, processes: 512 };
/// Limits of the Grafana container.
pub(super) const GRAFANA: Limits = Limits { memory_bytes: 1 << 30, millicores: 1_000, processes: 512 };

/// Resource limits of a container. They keep the rest of the machine free for the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Memory in bytes. The kernel kills a container that exceeds it.
    pub(super) memory_bytes: i64,
    /// CPU time, in thousandths of a core.
    pub(super) millicores: i64,
    /// Number of processes and threads.
    pub(super) processes: i64,
}
