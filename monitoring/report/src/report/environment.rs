//! What a report says of the machine and the software that it was made with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The machine and the software of a run. Empty where nobody could say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// The generator's version.
    pub version: String,
    /// Operating system and architecture: "linux x86_64".
    pub system: String,
    /// The kernel's release.
    pub kernel: String,
    /// The processors' model.
    pub processor: String,
    /// How many of them the generator may use.
    pub processors: u32,
    /// The revision of the repository, with "-dirty" if there were changes that are in no commit.
    pub revision: String,
    /// The command line, without secrets.
    pub command: String,
    /// Hosts that load was allowed to go to though they are neither on this machine nor in a private network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_targets: Vec<String>,
}

impl Environment {
    /// The machine, as far as speed goes: of another one, figures say little.
    pub fn machine(&self) -> String {
        format!("{}, {} x {}", self.system, self.processors, self.processor)
    }
}
