//! Waits of a virtual user while a host accepts no connections.

use std::time::Duration;

use tokio::time::Instant;

use super::Vu;
use crate::clock;

/// The wait of an iteration while the target accepts no connections.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Held {
    /// How long it waited.
    pub(in crate::engine) time: Duration,
    /// Whether it sent no request to any endpoint, because of the wait.
    pub(in crate::engine) is_not_started: bool,
}

impl Vu {
    /// Whether its next request would wait, because the host of its last one accepts no
    /// connections.
    pub(in crate::engine) fn is_held(&self, now: Instant) -> bool {
        self.http.outage(self.host).is_some_and(|outage| outage.is_paused(now))
    }

    /// Takes the wait of the iteration that has ended.
    pub(in crate::engine) fn take_held(&mut self) -> Held {
        std::mem::take(&mut self.held)
    }

    /// Waits if the host accepts no connections. Returns whether a request may be sent. The wait
    /// is not part of any request.
    pub(in crate::engine) async fn may_send(&mut self, host: usize) -> bool {
        self.host = host;
        let Some(outage) = self.http.outage(host) else { return true };
        let began = clock::now();
        // Boxed, because it is large and rarely used.
        let may = Box::pin(outage.wait()).await;
        self.held.time += clock::now().duration_since(began);
        self.held.is_not_started |= !may;
        may
    }
}
