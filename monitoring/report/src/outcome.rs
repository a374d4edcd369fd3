//! Outcome of a scenario's process, which it writes to a file or to the log of its pod.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::exit_code::ExitCode;

/// The planned load of a scenario. The run was a dry run, which sends nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// The plan, drawn as text, if that was requested.
    pub drawing: Option<String>,
    /// Longest time that the load takes.
    pub longest: Duration,
    /// Name of the service that the scenario requests.
    pub service: String,
    /// Planned load: "10 VUs for 30s".
    pub load: String,
}

/// Outcome of a scenario's process, for the process that started it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The run was measured: the path of its evidence.
    Evidence(PathBuf),
    /// The run was a dry run.
    Plan(PlanSummary),
    /// The run was a shard, whose file is written.
    Shard {
        /// Exit code of the shard. Objectives are not judged.
        code: ExitCode,
        /// Its requests and its file, for people.
        made: String,
    },
    /// The run was not measured.
    Failed {
        /// Exit code of the scenario.
        code: ExitCode,
        /// Reason why there is no evidence.
        message: String,
    },
}
