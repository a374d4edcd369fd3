//! Errors of `cargo xtask perf`.

use perf_report::exit_code::ExitCode;

use crate::stack::StackError;

/// An error without a report: its exit code and its message.
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
