//! The owner of a process, a container or a file: the command that removes it at its own end.
//!
//! Started processes are in process groups of their own, so that Ctrl-C at the terminal reaches
//! only this command.

use std::fs;
use std::path::Path;

use perf_host::proc;
use tokio::process::Command;

use super::processes;
use crate::host::workspace;

/// The variable with the owner's name, in the environment of its processes and of their children.
pub(super) const VARIABLE: &str = "PERF_OWNER";

/// The name of this command as an owner.
///
/// `<clone>-<process id>-<start time>-<namespace of process ids>`. The start time distinguishes the
/// process from a later one with the same id.
pub(crate) fn this_command() -> String {
    let pid = std::process::id();
    format!("{}-{pid}-{}-{}", workspace::id(), proc::start_time(pid).unwrap_or(0), namespace())
}

/// The namespace of process ids (pid_namespaces(7)), or 0 on systems without namespaces.
///
/// In another namespace, such as that of a container with this clone mounted, an id means another
/// process.
fn namespace() -> u64 {
    proc::pid_namespace().unwrap_or(0)
}

/// Whether a name is that of an owner in this clone that has ended. False for any other text.
pub(crate) fn is_gone(name: &str) -> bool {
    let Some((pid, start)) = parse(name) else { return false };
    match proc::start_time(pid) {
        Some(now) => now != start,
        None => !processes::is_alive(pid),
    }
}

/// Whether a file names an owner in this clone that has ended.
pub(crate) fn is_gone_in(file: &Path) -> bool {
    fs::read_to_string(file).is_ok_and(|name| is_gone(name.trim()))
}

/// The process id of a name's owner, if that is another running command of this clone.
///
/// `None` on systems that do not show whether a process runs.
pub(crate) fn running_owner(name: &str) -> Option<u32> {
    let (pid, _) = parse(name)?;
    (cfg!(unix) && pid != std::process::id() && !is_gone(name)).then_some(pid)
}

fn parse(name: &str) -> Option<(u32, u64)> {
    let mut parts = name.strip_prefix(&workspace::id())?.strip_prefix('-')?.split('-').map(str::parse::<u64>);
    let (pid, start, within) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    // Whether an owner in another namespace runs is unknown.
    (within == namespace() && parts.next().is_none()).then_some((u32::try_from(pid).ok()?, start))
}

/// Makes a process belong to this command, so that a later command can find and end it.
///
/// Signals of the terminal do not reach the process.
pub(crate) fn attach(command: &mut Command) {
    detach(command);
    command.env(VARIABLE, this_command());
}

/// Makes a process independent of this command: it stays when this command ends.
pub(crate) fn detach(command: &mut Command) {
    #[cfg(unix)]
    command.process_group(0);
    command.env_remove(VARIABLE);
}

/// Id and name of a process, if its owner has ended.
pub(crate) fn orphan(pid: u32) -> Option<(u32, String)> {
    // The environment of other users' processes cannot be read.
    let owner = proc::variable(pid, VARIABLE)?;
    (is_gone(&owner) && pid != std::process::id()).then(|| (pid, proc::name(pid).unwrap_or_default()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
