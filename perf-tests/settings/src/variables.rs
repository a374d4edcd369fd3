//! Environment variables that are not settings of a user, and cargo's folder of output.

use std::path::{Path, PathBuf};

const CARGO_TARGET: &str = "CARGO_TARGET_DIR";
/// All [`Settings`](super::Settings) as JSON. `cargo xtask perf` passes them to a scenario's
/// process in this variable.
pub const SETTINGS_JSON: &str = "PERF_SETTINGS";
/// Address of the coordinator. It makes a scenario's process an agent, which gets its settings from
/// there.
pub const AGENT_JOIN: &str = "PERF_AGENT_JOIN";
/// The secret by which coordinator and agents of a run know each other. It is in no argument, since
/// other users of the machine can read command lines.
pub const AGENT_TOKEN: &str = "PERF_AGENT_TOKEN";
/// The build of an agent, from the coordinator that started it. Its file needs no hash then.
pub const AGENT_BUILD: &str = "PERF_AGENT_BUILD";
/// File with the certificate of a coordinator that uses TLS, or of its authority. Agents read it.
pub const AGENT_CA: &str = "PERF_AGENT_CA";
/// Name of the node on which a pod runs. The manifests of a run set it.
pub const NODE: &str = "PERF_NODE";
/// The revision of an image's program, which `cargo xtask image` writes into the image.
pub const IMAGE_REVISION: &str = "PERF_IMAGE_REVISION";

/// Cargo's target folder. A relative path counts from the workspace's root.
pub fn target_folder(lookup: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let given = lookup(CARGO_TARGET).filter(|folder| !folder.is_empty());
    given.map_or_else(|| "target".into(), PathBuf::from)
}

/// The default folder of reports, locks and the stack's state: `perf` in cargo's target folder.
pub(crate) fn default_state_folder() -> PathBuf {
    state_folder_in(&target_folder(&|_| None))
}

/// The folder of reports, locks and the stack's state in cargo's target folder.
pub(crate) fn state_folder_in(target_folder: &Path) -> PathBuf {
    target_folder.join("perf")
}
