//! How the stack is run: how often, for how long, and on how much of a machine. The one place for it.

use std::time::Duration;

/// How often a run pushes its metrics, unless it is told otherwise; k6's. The dashboard's finest step.
pub const PUSH_INTERVAL: Duration = Duration::from_secs(5);
/// How often the backend's `/metrics` is scraped.
pub const SCRAPE_INTERVAL: Duration = Duration::from_secs(5);
/// How long samples are kept.
pub const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);
/// What of a machine Prometheus' container may have. A run has some thousand series, which want a tenth of it.
pub const PROMETHEUS: Limits = Limits { memory_bytes: 1 << 30, millicores: 1_000, processes: 512 };
/// What Grafana's may have.
pub const GRAFANA: Limits = Limits { memory_bytes: 1 << 30, millicores: 1_000, processes: 512 };

/// What of a machine a container may have, so that it takes none of what the load is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory. What wants more is ended by the kernel.
    pub memory_bytes: i64,
    /// Processor time, in thousandths of a core.
    pub millicores: i64,
    /// Processes and threads.
    pub processes: i64,
}
