//! Whose a process, a container or a file is, and whether that command still runs. Processes that we start are in groups of their own, so that
//! a Ctrl-C at the terminal reaches only us.

use perf_host::proc;
use tokio::process::Command;

use super::processes;
use crate::workspace;

/// Names the owner in the environment of all that it starts, and of all that these start.
pub(super) const VARIABLE: &str = "PERF_OWNER";

/// This clone, this process, and when it was started, by which it is told from a later one of the same number, and where that number holds.
pub(crate) fn owner() -> String {
    let pid = std::process::id();
    format!("{}-{pid}-{}-{}", workspace::id(), proc::start_time(pid).unwrap_or(0), namespace())
}

/// The namespace of process numbers (pid_namespaces(7)): in another one, such as a container's that has this clone mounted, a number is another
/// process's. Zero where there is no such thing.
fn namespace() -> u64 {
    proc::pid_namespace().unwrap_or(0)
}

/// Whether a name is of an owner in this clone that has ended. False for what is no such name.
pub(crate) fn is_gone(name: &str) -> bool {
    let Some((pid, start)) = parse(name) else { return false };
    match proc::start_time(pid) {
        Some(now) => now != start,
        None => !processes::is_alive(pid),
    }
}

/// The process of another command in this clone that runs, if that is what a name is of. None where nobody tells whether one runs.
pub(crate) fn running_owner(name: &str) -> Option<u32> {
    let (pid, _) = parse(name)?;
    (cfg!(unix) && pid != std::process::id() && !is_gone(name)).then_some(pid)
}

fn parse(name: &str) -> Option<(u32, u64)> {
    let mut parts = name.strip_prefix(&workspace::id())?.strip_prefix('-')?.split('-').map(str::parse::<u64>);
    let (pid, start, within) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    // Of an owner elsewhere nothing is known.
    (within == namespace() && parts.next().is_none()).then_some((u32::try_from(pid).ok()?, start))
}

/// Makes a process one that goes with us: signals of the terminal do not reach it, and whoever finds it when we are gone knows that it was ours.
pub(crate) fn attach(command: &mut Command) {
    detach(command);
    command.env(VARIABLE, owner());
}

/// Makes a process one that stays when we are gone.
pub(crate) fn detach(command: &mut Command) {
    #[cfg(unix)]
    command.process_group(0);
    command.env_remove(VARIABLE);
}

/// A process whose owner has ended: its number and name.
pub(crate) fn orphan(pid: u32) -> Option<(u32, String)> {
    // Others' cannot be read, and are none of ours.
    let owner = proc::variable(pid, VARIABLE)?;
    (is_gone(&owner) && pid != std::process::id()).then(|| (pid, proc::name(pid).unwrap_or_default()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_this_process_and_no_other_of_its_number() {
        assert!(!is_gone(&owner()));
        let (pid, start) = parse(&owner()).unwrap();
        let of = |pid: u32, start: u64, within: u64| format!("{}-{pid}-{start}-{within}", workspace::id());
        assert!(is_gone(&of(pid, start + 1, namespace())), "a later process has its number");
        assert!(is_gone(&of(u32::MAX, start, namespace())), "there is no such process");
        assert!(!is_gone(&of(u32::MAX, start, namespace() + 1)), "there may be, where that number holds");
        assert_eq!(running_owner(&owner()), None, "this is no other");
        let init = of(1, proc::start_time(1).unwrap(), namespace());
        assert_eq!(running_owner(&init), Some(1));
        assert_eq!(running_owner(&of(u32::MAX, start, namespace())), None);
        for other in ["", "x", "another-1-1", &format!("{}-1", workspace::id())] {
            assert!(!is_gone(other), "{other:?} is no owner of this clone");
        }
    }
}
