//! Everybody who reads snapshots while the load runs: the terminal, the store, and who ends a load that can prove nothing
//! any more.

use std::collections::VecDeque;
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::slo::{OnMiss, Slo};
use perf_report::judgement::Judge;
use perf_report::verdict::{self, Tally, Verdict};

use super::metrics::Metrics;
use crate::engine::LoadObserver;
use crate::measure::{Section, Snapshot, TimelineError, TimelineRecorder};
use crate::progress::Progress;

/// When a load is ended before its time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AbortOn {
    /// Not before so long into it.
    pub(crate) after: Duration,
    /// Once an objective has been missed over so long.
    pub(crate) window: Duration,
}

/// The sections of a run's time, and how long one is.
pub(super) type RecordedTimeline = (Duration, Vec<Section>);

pub(super) struct Watchers<'run> {
    progress: Progress,
    metrics: &'run mut Metrics,
    hopeless: Option<Hopeless<'run>>,
    timeline: Result<TimelineRecorder, TimelineError>,
}

impl<'run> Watchers<'run> {
    pub(super) fn new(
        progress: Progress,
        metrics: &'run mut Metrics,
        abort: Option<AbortOn>,
        catalogue: &'run Catalogue,
        exercised: &'run [Endpoint],
    ) -> Self {
        let hopeless = abort.map(|on| Hopeless { on, catalogue, exercised, past: VecDeque::new() });
        Self { progress, metrics, hopeless, timeline: Ok(TimelineRecorder::new(catalogue)) }
    }

    /// Takes the display away, and gives the course of the load, which ended after so long with these counts.
    pub(super) fn finish(self, elapsed: Duration, all: &Snapshot) -> Result<RecordedTimeline, TimelineError> {
        self.progress.clear();
        self.timeline?.finish(elapsed, all)
    }
}

impl LoadObserver for Watchers<'_> {
    fn tick(&mut self, elapsed: Duration, snapshot: Snapshot) -> Option<String> {
        self.progress.show(elapsed, &snapshot);
        if let Ok(course) = &mut self.timeline
            && let Err(error) = course.offer(elapsed, &snapshot)
        {
            self.timeline = Err(error);
        }
        let hopeless = self.hopeless.as_mut().and_then(|hopeless| hopeless.look(elapsed, &snapshot));
        self.metrics.offer(elapsed, snapshot);
        hopeless
    }
}

/// Looks for an objective that has been missed over a whole window.
struct Hopeless<'run> {
    on: AbortOn,
    catalogue: &'run Catalogue,
    exercised: &'run [Endpoint],
    /// Good and all requests of each objective, at moments of the past.
    past: VecDeque<(Duration, Vec<Option<Tally>>)>,
}

impl Hopeless<'_> {
    fn look(&mut self, elapsed: Duration, snapshot: &Snapshot) -> Option<String> {
        let judge = Judge { catalogue: self.catalogue, exercised: self.exercised, snapshot, checks: &[] };
        let now: Vec<_> = self.catalogue.slos.iter().map(|slo| judge.tally(slo)).collect();
        self.past.push_back((elapsed, now.clone()));
        // The last moment that is a whole window ago; what is older is of no use.
        while self.past.get(1).is_some_and(|(at, _)| elapsed.saturating_sub(*at) >= self.on.window) {
            self.past.pop_front();
        }
        let (since, then) = self.past.front()?;
        if elapsed < self.on.after || elapsed.saturating_sub(*since) < self.on.window {
            return None;
        }
        let missed = self.catalogue.slos.iter().zip(then.iter().zip(&now)).find_map(|(slo, (then, now))| {
            let (then, now) = ((*then)?, (*now)?);
            let lately = Tally {
                good: now.good - then.good,
                total: now.total - then.total,
                unknown: 0,
                late: now.late - then.late,
            };
            (slo.on_miss == OnMiss::Fail && verdict::judge(slo, lately) == Verdict::Missed).then_some((slo, lately))
        });
        missed.map(|(slo, lately)| reason(slo, lately, self.on.window))
    }
}

fn reason(slo: &Slo, lately: Tally, window: Duration) -> String {
    let Tally { good, total, .. } = lately;
    format!(
        "{} promised {} and over the last {window:?} only {good} of {total} requests were good",
        slo.subject(),
        slo.describe()
    )
}
