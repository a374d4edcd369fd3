//! Why a command came to nothing.

use perf_report::exit_code::ExitCode;

use crate::stack::StackError;

/// Why there was nothing to judge, and the exit code that says so.
#[derive(Debug)]
pub(super) struct PerfError(pub(super) ExitCode, pub(super) String);

impl From<anyhow::Error> for PerfError {
    fn from(error: anyhow::Error) -> Self {
        Self(ExitCode::Internal, format!("{error:#}"))
    }
}

impl From<StackError> for PerfError {
    fn from(error: StackError) -> Self {
        Self(error.code(), error.to_string())
    }
}

pub(super) fn configuration(error: impl std::fmt::Display) -> PerfError {
    PerfError(ExitCode::BadConfiguration, error.to_string())
}
