//! Measures one request.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use monitoring::phase::Phase;
use perf_report::evidence::BodyBytes;
use tokio::time::Instant;

use crate::clock;
use crate::measure::{DurationParts, Failure, Recorder, Sample, SampleKey};

/// Measures one request. If it is dropped before it is stopped, the request is counted as unknown:
/// it began, and its end is not known.
pub(super) struct Stopwatch {
    recorder: Rc<RefCell<Recorder>>,
    /// Index of the part that makes the request.
    part: usize,
    /// `None` for a request to no endpoint of the catalogue, which is not judged.
    at: Option<SampleKey>,
    due: Instant,
    started: Instant,
    is_stopped: bool,
}

impl Stopwatch {
    pub(super) fn start(
        recorder: Rc<RefCell<Recorder>>,
        part: usize,
        at: Option<SampleKey>,
        due: Instant,
        started: Instant,
    ) -> Self {
        recorder.borrow_mut().begin_request(part, at.as_ref().map(|at| at.endpoint));
        Self { recorder, part, at, due, started, is_stopped: false }
    }

    pub(super) const fn started(&self) -> Instant {
        self.started
    }

    /// The phase in which the request was due.
    pub(super) fn phase(&self) -> Phase {
        self.at.as_ref().map_or(Phase::Steady, |at| at.phase)
    }

    /// Records the processing time that the backend reported.
    pub(super) fn backend_took(&self, server: Duration, parts: &DurationParts, finished: Instant) {
        if let Some(at) = &self.at {
            let client = finished.duration_since(self.started).saturating_sub(parts.before_sending());
            self.recorder.borrow_mut().record_server_time(at, server, client);
        }
    }

    /// Counts that the request was sent once more on a new connection.
    pub(super) fn resent(&self) {
        self.at.iter().for_each(|at| self.recorder.borrow_mut().record_reconnect(at));
    }

    /// Counts the body of the response.
    pub(super) fn received(&self, body: BodyBytes) {
        self.at.iter().for_each(|at| self.recorder.borrow_mut().record_body(at, body));
    }

    /// Counts the request, which ended at `finished`.
    pub(super) fn stop(
        mut self,
        status: Option<u16>,
        failure: Option<Failure>,
        parts: DurationParts,
        finished: Instant,
    ) {
        self.is_stopped = true;
        let mut recorder = self.recorder.borrow_mut();
        match self.at {
            Some(at) => {
                let (due, started) = (self.due, self.started);
                recorder.record(at, &Sample { status, failure, due, started, finished, parts });
            }
            None => recorder.record_unjudged(failure.is_some()),
        }
        drop(recorder);
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        let mut recorder = self.recorder.borrow_mut();
        recorder.end_request(self.part, self.at.as_ref().map(|at| at.endpoint));
        if !self.is_stopped {
            recorder.record_unknown(self.at.as_ref(), self.started, clock::now());
        }
    }
}
