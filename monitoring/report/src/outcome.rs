//! What a scenario's process leaves for the one that started it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::exit_code::ExitCode;

/// What a scenario's process leaves for the one that started it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The exit code that its result asks for.
    pub code: ExitCode,
    /// Why there is no report, or none that could be finished.
    pub message: Option<String>,
    /// Where the evidence is.
    pub evidence: Option<PathBuf>,
    /// The plan, drawn, where that is all that was asked for.
    #[serde(default)]
    pub drawing: Option<String>,
}

impl Outcome {
    /// A code, and nothing else yet.
    pub const fn new(code: ExitCode) -> Self {
        Self { code, message: None, evidence: None, drawing: None }
    }
}
