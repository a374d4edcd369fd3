//! Errors of `cargo xtask perf`.

use perf_report::exit_code::ExitCode;

use crate::generated_files::is_catalogue_error;
use crate::stack::StackError;

/// An error without a report. `Display` gives the message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PerfError {
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
    /// A scenario's process ended before it wrote an outcome. The text says how.
    #[error("{0}")]
    Crashed(String),
    /// The runs ended with this code, and then the clean-up failed.
    #[error("{error:#}")]
    NotCleanedUp { code: ExitCode, error: anyhow::Error },
    #[error("{first}; also {error:#}")]
    AlsoNotCleanedUp { first: Box<Self>, error: anyhow::Error },
}

impl PerfError {
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) => ExitCode::BadConfiguration,
            Self::Internal(error) if is_catalogue_error(error) => ExitCode::BadConfiguration,
            Self::Interrupted(_) => ExitCode::Interrupted,
            Self::Inconclusive(_) => ExitCode::Inconclusive,
            Self::Internal(_) | Self::Crashed(_) => ExitCode::Internal,
            Self::Stack(error) => error.code(),
            Self::Scenario { code, .. } => *code,
            Self::NotCleanedUp { code, .. } => code.or_worse(ExitCode::Internal),
            Self::AlsoNotCleanedUp { first, .. } => first.code(),
        }
    }

    /// Verdict on the command: "did not run (exit 104)".
    pub(super) fn verdict(&self) -> String {
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

pub(crate) fn configuration(error: impl std::fmt::Display) -> PerfError {
    PerfError::Configuration(error.to_string())
}

#[cfg(test)]
mod tests;
