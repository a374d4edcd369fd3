//! Outcome of a scenario's process, which it writes to a file or to the log of its pod.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::exit_code::ExitCode;

/// The plan of a scenario that sent nothing, because the run was a dry run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawing {
    /// The plan, drawn as text. Empty if only the other fields were requested.
    pub text: String,
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
    /// The plan, if only that was requested.
    Drawing(Drawing),
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
