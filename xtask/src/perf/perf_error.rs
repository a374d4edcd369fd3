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
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn cleaned_up(result: Result<ExitCode, PerfError>, cleaned: anyhow::Result<()>) -> Result<ExitCode, PerfError> {
        after_cleanup(result, |code| *code, cleaned)
    }

    #[test]
    fn the_first_error_comes_before_that_of_the_clean_up() {
        let left = || Err(anyhow!("no daemon").context("failed to stop the stack"));
        let first = || Err(configuration("a is not a URL"));
        let both = cleaned_up(first(), left()).unwrap_err();
        assert_eq!(both.to_string(), "a is not a URL; also failed to stop the stack: no daemon");
        assert_eq!((both.code(), both.verdict().as_str()), (ExitCode::BadConfiguration, "did not run (exit 104)"));
        assert_eq!(cleaned_up(first(), Ok(())).unwrap_err().to_string(), "a is not a URL");
    }

    #[test]
    fn a_clean_up_that_fails_after_a_success_is_an_error() {
        let left = || Err(anyhow!("a checkout is left"));
        for (own, code) in [
            (ExitCode::Met, ExitCode::Internal),
            (ExitCode::Missed, ExitCode::Internal),
            (ExitCode::Interrupted, ExitCode::Interrupted),
        ] {
            let error = cleaned_up(Ok(own), left()).unwrap_err();
            assert_eq!(error.verdict(), format!("the clean-up failed (exit {})", code.code()));
            assert_eq!((error.to_string().as_str(), error.code()), ("a checkout is left", code));
            assert_eq!(cleaned_up(Ok(own), Ok(())).unwrap(), own);
        }
    }
}
