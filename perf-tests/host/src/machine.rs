//! A description of this machine.

use std::thread;

use serde::{Deserialize, Serialize};

use crate::proc;

/// The system and the processors of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system and architecture: "linux x86_64".
    pub system: String,
    /// Model of the processors. Empty on systems other than Linux.
    pub processor: String,
    /// Number of processors that this process may use; 0 if it is not known.
    pub processors: u32,
}

impl Machine {
    /// This machine.
    pub fn this() -> Self {
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            processor: proc::cpu_model().unwrap_or_default(),
            processors: thread::available_parallelism()
                .map_or(0, |count| u32::try_from(count.get()).unwrap_or(u32::MAX)),
        }
    }
}
