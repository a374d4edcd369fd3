//! File through which a scenario's process reports its outcome.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::exit_code::ExitCode;

/// Outcome of a scenario's process, for the process that started it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Exit code of the result.
    pub code: ExitCode,
    /// Reason why there is no report, or no complete one.
    pub message: Option<String>,
    /// Path of the evidence.
    pub evidence: Option<PathBuf>,
    /// Drawing of the plan, if only that was requested.
    #[serde(default)]
    pub drawing: Option<String>,
}

impl Outcome {
    /// An outcome with an exit code only.
    pub const fn new(code: ExitCode) -> Self {
        Self { code, message: None, evidence: None, drawing: None }
    }
}
