//! The results of a load, of setup and of teardown.

use std::time::{Duration, SystemTime};

use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};

use super::push_schedule::{PushSchedule, StorePushes};
use crate::clock::RunClock;
use crate::engine::Load;
use crate::measure::{RecordedTimeline, Snapshot};

pub(super) struct FinishedLoad {
    pub(super) load: Load,
    pub(super) problems: Vec<Finding>,
    /// `None` without a store.
    pub(super) pushes: Option<StorePushes>,
    pub(super) timeline: RecordedTimeline,
    pub(super) started: SystemTime,
    pub(super) ended: SystemTime,
    pub(super) run_clock: RunClock,
    /// Time from the planned start until the workers of this process ran. `None` if they did not.
    pub(super) late: Option<Duration>,
}

impl FinishedLoad {
    pub(super) fn not_started(problems: Vec<Finding>, run_clock: RunClock, empty: Snapshot) -> Self {
        Self {
            load: Load::not_started(empty),
            problems,
            pushes: None,
            timeline: RecordedTimeline::default(),
            started: run_clock.time_of_day(),
            ended: run_clock.time_of_day(),
            run_clock,
            late: None,
        }
    }

    pub(super) async fn push(&mut self, schedule: PushSchedule, show: &dyn Fn(&str)) {
        match schedule.finish(&self.load.snapshot, show).await {
            Ok(pushes) => self.pushes = Some(pushes),
            Err(error) => self.fail(&error),
        }
    }

    /// Adds the requests of setup and teardown.
    pub(super) fn add_unjudged(&mut self, counts: &Snapshot) {
        let all = &mut self.load.snapshot;
        all.unjudged.add(counts.requests());
        all.unjudged.add(counts.unjudged);
        all.failures.merge(&counts.failures);
    }

    pub(super) fn fail(&mut self, error: &impl ToString) {
        let (code, kind) = (ExitCode::Internal, FindingKind::LoadFailed);
        self.problems.push(Finding::problem(code, Subject::Run, kind, error.to_string()));
    }
}
