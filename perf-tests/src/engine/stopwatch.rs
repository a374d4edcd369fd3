//! Measures one request.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use monitoring::phase::Phase;
use tokio::time::Instant;

use crate::measure::{DurationParts, Failure, Recorder, Sample, SampleKey};

/// Measures one request. Dropped before it is stopped, it counts the request as unknown: it was begun, and nobody saw how it
/// ended.
pub(super) struct Stopwatch {
    recorder: Rc<RefCell<Recorder>>,
    /// None for a request that no objective speaks of.
    at: Option<SampleKey>,
    due: Instant,
    started: Instant,
    seen: bool,
}

impl Stopwatch {
    pub(super) fn start(
        recorder: Rc<RefCell<Recorder>>,
        at: Option<SampleKey>,
        due: Instant,
        started: Instant,
    ) -> Self {
        recorder.borrow_mut().begin_request();
        Self { recorder, at, due, started, seen: false }
    }

    pub(super) const fn started(&self) -> Instant {
        self.started
    }

    /// What the load was doing when the request was due.
    pub(super) fn phase(&self) -> Phase {
        self.at.map_or(Phase::Steady, |at| at.phase)
    }

    /// Notes how long the backend said that it took.
    pub(super) fn backend_took(&self, server: Duration, parts: &DurationParts, finished: Instant) {
        if let Some(at) = self.at {
            let client = finished.duration_since(self.started).saturating_sub(parts.before_sending());
            self.recorder.borrow_mut().record_server_time(at, server, client);
        }
    }

    /// Counts the request. It was over at `finished`.
    pub(super) fn stop(
        mut self,
        status: Option<u16>,
        failure: Option<Failure>,
        parts: DurationParts,
        finished: Instant,
    ) {
        self.seen = true;
        let mut recorder = self.recorder.borrow_mut();
        match self.at {
            Some(at) => {
                let (due, started) = (self.due, self.started);
                recorder.record(at, &Sample { status, failure, due, started, finished, parts });
            }
            None => recorder.record_around(failure.is_some()),
        }
        drop(recorder);
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        let mut recorder = self.recorder.borrow_mut();
        recorder.end_request();
        if !self.seen {
            recorder.record_unknown(self.at);
        }
    }
}
