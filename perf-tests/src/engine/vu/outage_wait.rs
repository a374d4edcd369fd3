//! Waits of a virtual user while a host accepts no connections.

use std::time::Duration;

use monitoring::phase::Phase;
use tokio::time::Instant;

use super::Vu;
use crate::clock;

/// The wait of an iteration while the target accepts no connections.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OutageWait {
    pub(in crate::engine) time: Duration,
    /// Whether it could not send a request after the wait.
    pub(in crate::engine) is_stopped: bool,
    /// Whether it sent no request to any endpoint, because of the wait.
    pub(in crate::engine) is_not_started: bool,
    /// Index of the host that it waited for last.
    pub(in crate::engine) host: usize,
}

impl Vu {
    /// Whether its next iteration would wait at once, because the host that its last one began with
    /// accepts no connections.
    pub(in crate::engine) fn is_held(&self, now: Instant) -> bool {
        self.http.outage(self.first_host).is_some_and(|outage| outage.is_paused(now))
    }

    pub(in crate::engine) fn take_held(&mut self) -> OutageWait {
        std::mem::take(&mut self.held)
    }

    /// Counts iterations that were not started, because a host accepted no connections.
    pub(in crate::engine) fn record_refused(&self, phase: Phase, count: u64, host: usize) {
        let down = self.endpoints_on(host);
        self.context.recorder.borrow_mut().record_refused(self.part, phase, count, &down);
    }

    pub(in crate::engine) const fn first_host(&self) -> usize {
        self.first_host
    }

    /// Notes the host of a request, if it is the first one of the iteration.
    pub(super) fn note_first_host(&mut self, host: usize) {
        if self.sends_first {
            (self.first_host, self.sends_first) = (host, false);
        }
    }

    /// Counts the present iteration if it could not go on, because a host accepted no connections.
    pub(super) fn record_if_stopped(&mut self, began: Instant) {
        let is_begun = self.made.iter().any(|made| *made > 0);
        self.held.is_not_started = self.held.is_stopped && !is_begun;
        if self.held.is_stopped && is_begun {
            let phase = self.context.run.phases[self.part].at(began.duration_since(self.context.load_start));
            let down = self.endpoints_on(self.held.host);
            self.context.recorder.borrow_mut().record_stopped(self.part, phase, &self.made, &down);
        }
    }

    /// For each endpoint, whether it is on this host.
    fn endpoints_on(&self, host: usize) -> Vec<bool> {
        self.context.run.hosts.iter().map(|of| *of == Some(host)).collect()
    }

    /// Waits if the host accepts no connections. Returns whether a request may be sent. The wait
    /// is not part of any request.
    pub(in crate::engine) async fn may_send(&mut self, host: usize) -> bool {
        self.note_first_host(host);
        let Some(outage) = self.http.outage(host) else { return true };
        let began = clock::now();
        // Boxed, because it is large and rarely used.
        let may = Box::pin(outage.wait()).await;
        self.held.time += clock::now().duration_since(began);
        self.held.is_stopped |= !may;
        self.held.host = host;
        may
    }
}
