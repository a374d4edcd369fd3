//! Setup and teardown: their time limits, the progress while they run, and why they failed.

use std::cell::RefCell;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use perf_report::finding::{Finding, FindingKind, Subject};
use tokio::time;

use super::{PreparedRun, RunError, ScenarioBody, ScenarioCode, SetupSource};
use crate::clock;
use crate::data::{FeederError, SecretError};
use crate::engine::RequestError;
use crate::engine::panics::KeptPanics;
use crate::engine::vu::{RunContext, Vu, WorkerContext};
use crate::http::Pool;
use crate::measure::Recorder;
use crate::terminal::Notes;

#[derive(Debug, Clone, Copy)]
struct Step {
    name: &'static str,
    limit: Duration,
    notes: Notes,
}

impl Step {
    /// Prints every 5 s that the step is still running.
    async fn show_waiting(self) -> Infallible {
        const EVERY: Duration = Duration::from_secs(5);
        let (name, limit) = (self.name, perf_settings::shown_duration(self.limit));
        let mut waited = Duration::ZERO;
        loop {
            time::sleep(EVERY).await;
            waited += EVERY;
            let so_far = perf_settings::shown_duration(waited);
            self.notes.print(&format!("{name} has been running for {so_far} (limit {limit}: --{name}-timeout)"));
        }
    }

    /// Runs the author's code with the time limit. A panic in it becomes an error, so that the run
    /// keeps its results.
    async fn run<T>(self, code: impl Future<Output = anyhow::Result<T>>) -> Result<T, SetupFailure> {
        let _kept = KeptPanics::keep();
        let ended = tokio::select! {
            ended = time::timeout(self.limit, AssertUnwindSafe(code).catch_unwind()) => ended,
            never = self.show_waiting() => match never {},
        };
        match ended {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(match is_mistake(&error) {
                true => SetupFailure::Mistake(format!("{error:#}")),
                false => SetupFailure::Failed(error),
            }),
            Ok(Err(panic)) => Err(SetupFailure::Mistake(format!("it panicked: {}", KeptPanics::take(panic.as_ref())))),
            Err(_) => {
                let (name, limit) = (self.name, perf_settings::shown_duration(self.limit));
                let why = format!("it took longer than {limit}: give it more time with --{name}-timeout");
                Err(SetupFailure::Failed(anyhow::anyhow!(why)))
            }
        }
    }
}

enum SetupFailure {
    /// A panic, a request that cannot be sent, or a data file that cannot be used: a mistake in the
    /// scenario.
    Mistake(String),
    Failed(anyhow::Error),
}

/// Whether no service can be the cause of an error.
fn is_mistake(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(RequestError::Unsendable { .. }))
        || matches!(error.downcast_ref(), Some(FeederError::File { .. }))
        || error.is::<SecretError>()
}

impl SetupFailure {
    fn finding(&self, kind: FindingKind, step: &str, when: &str) -> Finding {
        let error = match self {
            Self::Mistake(text) => {
                return Finding::mistake(kind, format!("{step} failed: {text}"));
            }
            Self::Failed(error) => error,
        };
        let finding = Finding::inconclusive(Subject::Scenario, kind, format!("{step} failed: {error:#}"));
        let Some(RequestError::Failed { status, place: Some(place), .. }) = error.downcast_ref() else {
            return finding;
        };
        let route = if matches!(status, Some(404 | 405 | 501)) { " Does this service have that route?" } else { "" };
        let (file, line) = (place.file(), place.line());
        finding.with_advice(format!("The scenario makes this request {when} the load, at {file}:{line}.{route}"))
    }
}

impl PreparedRun {
    /// Runs setup. The inner error has the reason if it failed.
    pub(super) async fn set_up(
        &mut self,
        code: ScenarioCode,
        setup_vu: &mut Vu,
    ) -> Result<Result<ScenarioBody, Finding>, RunError> {
        let step = Step { name: "setup", limit: self.settings.setup_timeout, notes: Notes::new(&self.settings) };
        self.setup_watch.set_running(true);
        let ended = tokio::select! {
            biased;
            () = self.signals.interrupted() => None,
            result = step.run((code.0)(SetupSource::Setup(setup_vu))) => Some(result),
        };
        self.setup_watch.set_running(false);
        let result = ended.ok_or(RunError::Interrupted)?;
        Ok(result.map_err(|failure| failure.finding(FindingKind::SetupFailed, "setup", "before")))
    }

    /// Runs the future of the scenario's teardown. Returns why it failed, if it did.
    pub(super) async fn tear_down(&self, teardown: impl Future<Output = anyhow::Result<()>>) -> Option<Finding> {
        let step = Step { name: "teardown", limit: self.settings.teardown_timeout, notes: Notes::new(&self.settings) };
        let failure = step.run(teardown).await.err()?;
        Some(failure.finding(FindingKind::TeardownFailed, "teardown", "after"))
    }
}

/// The virtual user that runs setup and teardown. Its requests are counted apart from the load's.
pub(super) fn setup_vu(run: &Arc<RunContext>, recorder: &Rc<RefCell<Recorder>>) -> Vu {
    let context = WorkerContext {
        run: run.clone(),
        recorder: recorder.clone(),
        pool: Pool::default(),
        rate_limit: Rc::default(),
        load_start: clock::now(),
        unsendable: Rc::default(),
    };
    Vu::new(0, 0, context)
}
