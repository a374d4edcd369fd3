//! Errors of `cargo xtask perf`.

use perf_report::exit_code::ExitCode;

use crate::generated_files::is_catalogue_error;
use crate::stack::StackError;

/// An error without a report. `Display` gives the message.
#[derive(Debug, thiserror::Error)]
pub(super) enum PerfError {
    #[error("{0}")]
    Configuration(String),
    #[error("{0}")]
    Interrupted(&'static str),
    #[error("{0}")]
    Inconclusive(String),
    #[error("{0:#}")]
    Internal(#[from] anyhow::Error),
    #[error(transparent)]
    Stack(#[from] StackError),
    /// A scenario gave this reason why it has no evidence.
    #[error("{message}")]
    Scenario { code: ExitCode, message: String },
    /// The runs ended with this code, and then the services did not stop.
    #[error("failed to stop the stack: {error}")]
    NotStopped { code: ExitCode, error: String },
    #[error("{first}; also failed to stop the stack: {error}")]
    AlsoNotStopped { first: Box<Self>, error: String },
}

impl PerfError {
    pub(super) fn code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) => ExitCode::BadConfiguration,
            Self::Internal(error) if is_catalogue_error(error) => ExitCode::BadConfiguration,
            Self::Interrupted(_) => ExitCode::Interrupted,
            Self::Inconclusive(_) => ExitCode::Inconclusive,
            Self::Internal(_) => ExitCode::Internal,
            Self::Stack(error) => error.code(),
            Self::Scenario { code, .. } => *code,
            Self::NotStopped { code, .. } => code.or_worse(ExitCode::Internal),
            Self::AlsoNotStopped { first, .. } => first.code(),
        }
    }
}

pub(super) fn configuration(error: impl std::fmt::Display) -> PerfError {
    PerfError::Configuration(error.to_string())
}
