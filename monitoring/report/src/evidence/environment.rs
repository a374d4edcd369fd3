//! Machine and software of a run.

use monitoring::revision::{self, Revision};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Machine and software of a run. Unknown fields are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Version of the crate `perf-tests`.
    pub version: String,
    /// Operating system and architecture: "linux x86_64".
    pub system: String,
    /// Release of the kernel: "6.1.0-18-amd64".
    pub kernel: String,
    /// Model of the processors, as the system names it.
    pub processor: String,
    /// Number of processors that the generator may use.
    pub processors: u32,
    /// Revision of the repository. It ends in "-dirty" if there were uncommitted changes.
    #[serde(with = "revision::as_text")]
    #[schemars(with = "String")]
    pub revision: Option<Revision>,
    /// Command line that repeats the run. Secrets are left out.
    pub command: String,
    /// The hosts that load went to. The main target comes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetHost>,
    /// The proxy that load went through, without user and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Hosts that load was allowed for although they are neither on this machine nor in a private
    /// network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_targets: Vec<String>,
}

/// A host that load went to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetHost {
    /// The name that endpoints use. `None` for the main target, and for origins that only redirects
    /// led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its URL, without user and password.
    pub url: String,
    /// The version of HTTP: "HTTP/1.1" or "HTTP/2". Empty if it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub protocol: String,
}

impl std::fmt::Display for TargetHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name} ")?;
        }
        f.write_str(&self.url)?;
        if self.protocol.is_empty() { Ok(()) } else { write!(f, " ({})", self.protocol) }
    }
}

impl Environment {
    /// The text of the revision; empty if it is not known.
    pub fn revision(&self) -> String {
        self.revision.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// Description of what determines the speed of the machine. Figures of different machines
    /// cannot be compared.
    pub fn machine(&self) -> String {
        format!("{}, {} x {}", self.system, self.processors, self.processor)
    }
}
