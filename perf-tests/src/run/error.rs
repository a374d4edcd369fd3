//! Errors of a run that has no report.

use perf_report::exit_code::ExitCode;

use super::capacity::CapacityError;
use super::spec::SpecError;
use crate::engine::ShareError;
use crate::evidence::FileError;

/// The reason why a run has no report. `Display` gives the message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("{0}")]
    Configuration(String),
    #[error(transparent)]
    Spec(#[from] SpecError),
    #[error(transparent)]
    Capacity(#[from] CapacityError),
    #[error("{flag}: {error}")]
    Shares { flag: String, error: ShareError },
    #[error("interrupted before the load began")]
    Interrupted,
    #[error("{0}")]
    Internal(String),
}

impl RunError {
    pub(crate) const fn code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) | Self::Spec(_) | Self::Capacity(_) | Self::Shares { .. } => {
                ExitCode::BadConfiguration
            }
            Self::Interrupted => ExitCode::Interrupted,
            Self::Internal(_) => ExitCode::Internal,
        }
    }
}

impl From<FileError> for RunError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Json(_) | FileError::Log(_) | FileError::Render(_) => Self::Internal(error.to_string()),
            FileError::Write(_) | FileError::Used(_) => Self::Configuration(error.to_string()),
        }
    }
}

pub(super) fn internal(error: impl std::fmt::Display) -> RunError {
    RunError::Internal(error.to_string())
}

pub(super) fn configuration(error: impl std::fmt::Display) -> RunError {
    RunError::Configuration(error.to_string())
}
