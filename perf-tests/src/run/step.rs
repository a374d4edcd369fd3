//! Setup and teardown: their time limits, the progress while they run, and why they failed.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use perf_report::finding::{Finding, FindingKind, Subject};
use tokio::time;

use crate::engine::RequestError;
use crate::engine::panics::KeptPanics;

/// Setup or teardown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) name: &'static str,
    /// Its time limit.
    pub(super) limit: Duration,
}

impl Step {
    /// Prints every 5 s that the step is still running. Never returns.
    pub(super) async fn show_waiting(self, quiet: bool) {
        const EVERY: Duration = Duration::from_secs(5);
        let (name, limit) = (self.name, perf_settings::shown_duration(self.limit));
        for count in 1_u32.. {
            time::sleep(EVERY).await;
            if !quiet {
                let so_far = perf_settings::shown_duration(EVERY * count);
                eprintln!("{name} has been running for {so_far} (limit {limit}: --{name}-timeout)");
            }
        }
    }

    /// Runs the author's code with the time limit. A panic in it becomes an error, so that the run
    /// keeps its results.
    pub(super) async fn run<T>(self, code: impl Future<Output = anyhow::Result<T>>) -> Result<T, SetupFailure> {
        let _kept = KeptPanics::keep();
        match time::timeout(self.limit, AssertUnwindSafe(code).catch_unwind()).await {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(match error.downcast_ref() {
                Some(RequestError::Unsendable { .. }) => SetupFailure::Mistake(format!("{error:#}")),
                _ => SetupFailure::Failed(error),
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

/// Why setup or teardown failed.
pub(super) enum SetupFailure {
    /// A panic, or a request that cannot be sent: a mistake in the scenario's code.
    Mistake(String),
    /// Anything else.
    Failed(anyhow::Error),
}

impl SetupFailure {
    pub(super) fn finding(&self, kind: FindingKind, step: &str, when: &str) -> Finding {
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
