//! Errors of `cargo xtask perf`.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use monitoring::generated_files::GeneratedFileError;
use perf_host::LockError;
use perf_host::files::TestidInUse;
use perf_report::exit_code::ExitCode;
use perf_settings::{SettingsError, ValueError};

use crate::host::checkout::CheckoutError;
use crate::kubernetes::LaunchError;
use crate::refusal::Refusal;
use crate::runs::reports::UnjudgeableError;
use crate::scenarios::ScenarioError;
use crate::stack::StackError;

/// An error without a report. `Display` gives the message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PerfError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Flags(#[from] Refusal),
    #[error(transparent)]
    Target(#[from] ValueError),
    #[error("--against: {0}")]
    Against(ValueError),
    #[error(
        "the command must start revision {revision:?}, and the target {target} runs already: replace the target by \
         --start CMD"
    )]
    TargetOfRevision { target: String, revision: String },
    #[error("a comparison needs one scenario, and {0} are named: name one")]
    SeveralScenarios(usize),
    #[error("--baseline {name}: {error:#}")]
    Baseline { name: String, error: anyhow::Error },
    /// The report of `--replay` cannot be read.
    #[error("{0:#}")]
    Replay(anyhow::Error),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("another comparison is running in this clone ({0}): wait until it ends")]
    OtherComparison(String),
    #[error("generated files are out of date: run cargo xtask codegen ({0})")]
    StaleFiles(String),
    #[error("{0:#}")]
    Scenarios(#[from] ScenarioError),
    #[error("perf-tests/tests/load/{file}.rs has the scenario {name:?}: rename it to {file:?}")]
    Misnamed { file: String, name: String },
    /// The files of shards cannot be read.
    #[error("{0:#}")]
    Shards(anyhow::Error),
    #[error("there is no scenario {0:?}: use the checkout that made the shards")]
    OtherCheckout(String),
    #[error(transparent)]
    TestidInUse(#[from] TestidInUse),
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error(
        "--proof needs a store: install Docker, put prometheus on PATH, name a store with --prometheus-url, or \
         remove --proof"
    )]
    NoStore,
    #[error("--drill needs a Prometheus: install Docker, or put prometheus on PATH")]
    NoPrometheus,
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A scenario gave this reason why it has no evidence.
    #[error("{message}")]
    Scenario { code: ExitCode, message: String },
    /// A scenario's process ended before it wrote an outcome. The text says how.
    #[error("{0}")]
    Crashed(String),
    /// A scenario's process ended before it wrote an outcome, because it cannot write one.
    #[error("{0:#}: make it possible to write there, or name another folder with PERF_FOLDER")]
    OutcomeNotWritten(anyhow::Error),
    /// A test failed after it had written its outcome. The text says how.
    #[error("{0}")]
    TestFailed(String),
    #[error(transparent)]
    Unjudgeable(#[from] UnjudgeableError),
    /// The base of a comparison cannot be measured. The text says why.
    #[error("{0}")]
    BaseNotMeasured(String),
    /// The head of a comparison cannot be measured. The text says why.
    #[error("{0}")]
    HeadNotMeasured(String),
    #[error(
        "this machine is too noisy to detect a {detect} slow-down: {limit}; try more rounds, longer rounds (-d), a \
         larger --detect, or a quieter machine"
    )]
    TooNoisy { detect: String, limit: String },
    #[error("an endpoint has fewer than 20 requests per round, the least for a p95: make rounds longer (-d)")]
    TooFewRequests,
    #[error("{0}")]
    Interrupted(&'static str),
    #[error("this program has a mistake: report the message above")]
    Panicked,
    #[error("{0:#}")]
    Internal(#[from] anyhow::Error),
    /// The runs ended with this code, and then the clean-up failed.
    #[error("{error:#}")]
    NotCleanedUp { code: ExitCode, error: anyhow::Error },
    #[error("{first}; also {error:#}")]
    AlsoNotCleanedUp { first: Box<Self>, error: anyhow::Error },
}

impl PerfError {
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Settings(_)
            | Self::Flags(_)
            | Self::Target(_)
            | Self::Against(_)
            | Self::TargetOfRevision { .. }
            | Self::SeveralScenarios(_)
            | Self::Baseline { .. }
            | Self::Replay(_)
            | Self::Lock(_)
            | Self::OtherComparison(_)
            | Self::StaleFiles(_)
            | Self::Scenarios(_)
            | Self::Misnamed { .. }
            | Self::Shards(_)
            | Self::OtherCheckout(_)
            | Self::TestidInUse(_)
            | Self::Checkout(_)
            | Self::NoStore
            | Self::NoPrometheus
            | Self::TestFailed(_)
            | Self::HeadNotMeasured(_)
            | Self::Unjudgeable(_) => ExitCode::BadConfiguration,
            Self::Stack(error) => error.code(),
            Self::Launch(error) => error.code(),
            Self::Scenario { code, .. } => *code,
            Self::BaseNotMeasured(_) | Self::TooNoisy { .. } | Self::TooFewRequests => ExitCode::Inconclusive,
            Self::Interrupted(_) => ExitCode::Interrupted,
            Self::Internal(error) => exit_code(error),
            Self::Crashed(_) | Self::OutcomeNotWritten(_) | Self::Panicked => ExitCode::Internal,
            Self::NotCleanedUp { code, .. } => code.or_worse(ExitCode::Internal),
            Self::AlsoNotCleanedUp { first, .. } => first.code(),
        }
    }

    /// Verdict on the command: "did not run (exit 104)".
    pub(crate) fn verdict(&self) -> String {
        match self {
            Self::NotCleanedUp { .. } => format!("the clean-up failed (exit {})", self.code().code()),
            _ => self.code().describe_stop(),
        }
    }

    /// This error, and the one of the clean-up that followed it.
    pub(crate) fn after_cleanup(self, cleaned: anyhow::Result<()>) -> Self {
        match cleaned {
            Ok(()) => self,
            Err(error) => Self::AlsoNotCleanedUp { first: Box::new(self), error },
        }
    }
}

/// A result, after the clean-up that followed it. The first error comes first, and decides the exit
/// code. `code` is the exit code of a success.
pub(crate) fn after_cleanup<T>(
    result: Result<T, PerfError>,
    code: impl FnOnce(&T) -> ExitCode,
    cleaned: anyhow::Result<()>,
) -> Result<T, PerfError> {
    match (result, cleaned) {
        (Ok(success), Ok(())) => Ok(success),
        (Ok(success), Err(error)) => Err(PerfError::NotCleanedUp { code: code(&success), error }),
        (Err(first), cleaned) => Err(first.after_cleanup(cleaned)),
    }
}

/// Makes an error of a panic, so that what was started is stopped.
pub(crate) async fn catch_panic<T>(stages: impl Future<Output = Result<T, PerfError>>) -> Result<T, PerfError> {
    AssertUnwindSafe(stages).catch_unwind().await.unwrap_or(Err(PerfError::Panicked))
}

/// The exit code of a command's error.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    let is_mistake = error.is::<Refusal>() || matches!(error.downcast_ref(), Some(GeneratedFileError::Catalogue(..)));
    match error.downcast_ref::<StackError>() {
        Some(error) => error.code(),
        None if is_mistake => ExitCode::BadConfiguration,
        None => ExitCode::Internal,
    }
}

#[cfg(test)]
mod tests;
