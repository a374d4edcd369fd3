//! Outcome of a scenario's process, which it writes to a file or to the log of its pod.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::exit_code::ExitCode;

/// Outcome of a scenario's process, for the process that started it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The run was measured: the path of its evidence.
    Evidence(PathBuf),
    /// The drawing of the plan, if only that was requested, and the longest time that the load
    /// takes.
    Drawing(String, Duration),
    /// The run was a shard, whose file is written.
    Shard {
        /// Exit code of the shard. Objectives are not judged.
        code: ExitCode,
        /// Its requests and its file, for people.
        made: String,
    },
    /// There is no evidence.
    Failed {
        /// Exit code of the scenario.
        code: ExitCode,
        /// Reason why there is no evidence.
        message: String,
    },
}
