//! Machine and software in a report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Machine and software of a run. Unknown fields are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Version of the generator.
    pub version: String,
    /// Operating system and architecture: "linux x86_64".
    pub system: String,
    /// Release of the kernel.
    pub kernel: String,
    /// Model of the processors.
    pub processor: String,
    /// Number of processors that the generator may use.
    pub processors: u32,
    /// Revision of the repository. It ends in "-dirty" if there were uncommitted changes.
    pub revision: String,
    /// Command line, without secrets.
    pub command: String,
    /// Hosts that load was allowed for although they are neither on this machine nor in a private
    /// network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_targets: Vec<String>,
}

impl Environment {
    /// Description of what determines the speed of the machine. Figures of different machines
    /// cannot be compared.
    pub fn machine(&self) -> String {
        format!("{}, {} x {}", self.system, self.processors, self.processor)
    }
}
