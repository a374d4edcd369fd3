//! The window of a query, and Grafana's step in it.

use std::time::Duration;

use crate::stack::dashboard_link::RunWindow;

/// Grafana's number of points on a panel of usual width.
pub(crate) const POINTS: i64 = 1_000;

impl RunWindow {
    /// The window with one more step at its end.
    pub(crate) fn with_a_step_more(self) -> Self {
        let step = i64::try_from(step(self).as_millis()).unwrap_or_default();
        Self { to_ms: self.to_ms + step, ..self }
    }
}

/// Grafana's step: the window divided by its points, but never finer than the data.
pub(crate) fn step(window: RunWindow) -> Duration {
    let finest = monitoring::intervals::PUSH_INTERVAL;
    let of_points = u64::try_from((window.to_ms - window.from_ms) / POINTS).unwrap_or_default();
    Duration::from_secs(Duration::from_millis(of_points).as_secs()).max(finest)
}
