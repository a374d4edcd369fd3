//! The processors that programs are pinned to.

use std::path::Path;

use tokio::process::Command;

use crate::host::child;

/// The processor of the server and the store.
pub(super) const SERVERS: usize = 0;
/// The processor of the measured load generator.
pub(super) const CLIENT: usize = 1;

/// A program on the processor of servers, which ends with this command.
pub(super) fn pinned(program: &Path) -> Command {
    let mut command = child::detached("taskset");
    command.args(["-c", &SERVERS.to_string()]).arg(program).kill_on_drop(true);
    command
}
