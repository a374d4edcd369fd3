//! Intervals of pushes and scrapes.

use std::time::Duration;

/// Default interval between two pushes of a run, as in k6. It is also the dashboard's smallest
/// step.
pub const PUSH_INTERVAL: Duration = Duration::from_secs(5);
/// Longest interval between two pushes. Grafana shows rates over at least four times
/// [`PUSH_INTERVAL`]. That window must hold two pushes, even if one of them is up to a second late.
pub const MAX_PUSH_INTERVAL: Duration = Duration::from_secs(PUSH_INTERVAL.as_secs() * 2 - 1);
/// Interval between two scrapes of the backend's `/metrics`.
pub const SCRAPE_INTERVAL: Duration = Duration::from_secs(5);
