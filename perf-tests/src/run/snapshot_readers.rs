//! Readers of snapshots while the load runs: the progress display, the store, the timeline, and the
//! check that ends the load early.

use std::collections::VecDeque;
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::slo::{OnMiss, Slo};
use perf_report::format::counted_part;
use perf_report::judgement::{Judge, objective_verdict};
use perf_report::verdict::{Tally, Verdict};

use super::push_schedule::PushSchedule;
use crate::engine::LoadObserver;
use crate::measure::{RecordedTimeline, Snapshot, TimelineError, TimelineRecorder};
use crate::plan::Plan;
use crate::progress::Progress;

/// When a load ends early: see [`crate::Scenario::abort_on_miss`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct AbortRule {
    /// The load does not end within this time from its start.
    pub(crate) after: Duration,
    /// An objective must be missed over this whole time.
    pub(crate) window: Duration,
}

pub(super) struct SnapshotReaders<'run> {
    progress: Progress,
    pushes: Option<&'run mut PushSchedule>,
    miss_detector: Option<MissDetector<'run>>,
    timeline: Result<TimelineRecorder, TimelineError>,
    /// Time from the planned start until the workers of this process ran.
    late: Duration,
}

impl<'run> SnapshotReaders<'run> {
    pub(super) fn new(
        progress: Progress,
        pushes: Option<&'run mut PushSchedule>,
        catalogue: &'run Catalogue,
        miss_detector: Option<MissDetector<'run>>,
    ) -> Self {
        Self { progress, pushes, miss_detector, timeline: Ok(TimelineRecorder::new(catalogue)), late: Duration::ZERO }
    }

    pub(super) const fn late(&self) -> Duration {
        self.late
    }

    /// Clears the display, and returns the timeline of the load. It ended at `elapsed` with the
    /// counts `all`.
    pub(super) fn finish(self, elapsed: Duration, all: &Snapshot) -> Result<RecordedTimeline, TimelineError> {
        self.progress.clear();
        self.timeline?.finish(elapsed, all)
    }
}

impl LoadObserver for SnapshotReaders<'_> {
    fn began(&mut self, late: Duration) {
        self.late = late;
    }

    fn tick(&mut self, elapsed: Duration, snapshot: Snapshot) -> Option<String> {
        self.progress.show(elapsed, &snapshot);
        if let Ok(timeline) = &mut self.timeline
            && let Err(error) = timeline.offer(elapsed, &snapshot)
        {
            self.timeline = Err(error);
        }
        let reason = self.miss_detector.as_mut().and_then(|detector| detector.find_miss(elapsed, &snapshot));
        if let Some(pushes) = &mut self.pushes {
            pushes.offer(elapsed, &snapshot);
        }
        reason
    }
}

/// Detects an objective that was missed over a whole window.
pub(super) struct MissDetector<'run> {
    rule: AbortRule,
    catalogue: &'run Catalogue,
    exercised: &'run [Endpoint],
    parts: Vec<&'run str>,
    /// The tally of each objective at earlier times, ascending.
    past: VecDeque<(Duration, Vec<Option<Tally>>)>,
}

impl<'run> MissDetector<'run> {
    pub(super) fn new(
        rule: AbortRule,
        catalogue: &'run Catalogue,
        exercised: &'run [Endpoint],
        plan: &'run Plan,
    ) -> Self {
        let parts = plan.parts.iter().map(|part| &*part.name).collect();
        Self { rule, catalogue, exercised, parts, past: VecDeque::new() }
    }

    /// The reason to end the load, if an objective was missed over the window before `elapsed`.
    fn find_miss(&mut self, elapsed: Duration, snapshot: &Snapshot) -> Option<String> {
        let Self { catalogue, exercised, parts, .. } = self;
        let judge = Judge { catalogue, exercised, snapshot, checks: &[], measures: &[], parts };
        // A window has no planned time and no value of its own: these are judged at the end.
        let judged = |slo: &Slo| judge.tally(slo).filter(|_| slo.limit().is_none());
        let now: Vec<_> = catalogue.slos.iter().map(judged).collect();
        self.past.push_back((elapsed, now.clone()));
        // Keeps one entry that is at least a window old. Older ones are not needed.
        while self.past.get(1).is_some_and(|(at, _)| elapsed.saturating_sub(*at) >= self.rule.window) {
            self.past.pop_front();
        }
        let (since, then) = self.past.front()?;
        if elapsed < self.rule.after || elapsed.saturating_sub(*since) < self.rule.window {
            return None;
        }
        let missed = self.catalogue.slos.iter().zip(then.iter().zip(&now)).find_map(|(slo, (then, now))| {
            let (then, now) = ((*then)?, (*now)?);
            let lately = Tally {
                good: now.good - then.good,
                total: now.total - then.total,
                // Load that a dead target could not get is bad; other unknown requests come later.
                unknown: now.refused - then.refused,
                refused: now.refused - then.refused,
                late: now.late - then.late,
            };
            (slo.on_miss == OnMiss::Fail && objective_verdict::judge(slo, lately) == Verdict::Missed)
                .then_some((slo, lately))
        });
        missed.map(|(slo, lately)| reason(slo, lately, self.rule.window))
    }
}

fn reason(slo: &Slo, lately: Tally, window: Duration) -> String {
    let Tally { good, total, .. } = lately;
    format!(
        "{}: {} was missed over the last {window:?}: only {} good",
        slo.subject(),
        slo.describe(),
        counted_part(good, total, "request")
    )
}
