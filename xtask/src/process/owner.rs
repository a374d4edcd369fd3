//! Whose a process, a container or a file is, and whether that command still runs.

use std::time::Duration;

use crate::workspace;

/// Names the owner in the environment of all that it starts, and of all that these start.
pub(super) const VARIABLE: &str = "PERF_OWNER";
/// How long a process may take to end when it is asked to. Nobody waits for its results any more.
const PATIENCE: Duration = Duration::from_secs(2);

/// This clone, this process, and when it was started, by which it is told from a later one of the same number, and where that number holds.
pub(crate) fn owner() -> String {
    let pid = std::process::id();
    format!("{}-{pid}-{}-{}", workspace::id(), started(pid).unwrap_or(0), namespace())
}

/// The namespace of process numbers (pid_namespaces(7)): in another one, such as a container's that has this clone mounted, a number is another
/// process's. Zero where there is no such thing.
fn namespace() -> u64 {
    let link = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.to_string_lossy().chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

/// Whether a name is of an owner in this clone that has ended. False for what is no such name.
pub(crate) fn is_gone(name: &str) -> bool {
    let Some((pid, start)) = parsed(name) else { return false };
    match started(pid) {
        Some(now) => now != start,
        None => !is_alive(pid),
    }
}

/// The process of another command in this clone that runs, if that is what a name is of. None where nobody tells whether one runs.
pub(crate) fn another(name: &str) -> Option<u32> {
    let (pid, _) = parsed(name)?;
    (cfg!(unix) && pid != std::process::id() && !is_gone(name)).then_some(pid)
}

fn parsed(name: &str) -> Option<(u32, u64)> {
    let mut parts = name.strip_prefix(&workspace::id())?.strip_prefix('-')?.split('-').map(str::parse::<u64>);
    let (pid, start, within) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    // Of an owner elsewhere nothing is known.
    (within == namespace() && parts.next().is_none()).then_some((u32::try_from(pid).ok()?, start))
}

/// Whether there is such a process, which has not ended yet; false where nobody tells.
pub(crate) fn is_running(pid: u32) -> bool {
    started(pid).is_some()
}

/// When a process was started, in ticks since the machine was: field 22 of its `stat` (proc(5)). None if there is no such process, if it only waits
/// to be asked for its exit code, or where there is no /proc.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<_> = stat.rsplit_once(") ")?.1.split(' ').collect();
    if fields.first() == Some(&"Z") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

/// Where nobody tells when a process was started, there being one of that number has to do.
#[cfg(all(unix, not(target_os = "linux")))]
fn is_alive(pid: u32) -> bool {
    i32::try_from(pid).is_ok_and(|pid| nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok())
}

#[cfg(target_os = "linux")]
const fn is_alive(_: u32) -> bool {
    false
}

/// Nobody is asked there, and so nothing is taken from a command that may run.
#[cfg(not(unix))]
const fn is_alive(_: u32) -> bool {
    true
}

/// Ends all processes whose owner is gone, and gives a word for each. They can only be found where processes show their environment; elsewhere they
/// end by themselves, as the pipes do that they were given.
pub(crate) async fn end_orphans() -> anyhow::Result<Vec<String>> {
    let mut ended = Vec::new();
    for (pid, _) in orphans() {
        // Each may take a while to end, and its number may be another's by the time that one is asked.
        if let Some((pid, name)) = orphan(pid) {
            super::terminate(pid, PATIENCE).await?;
            ended.push(format!("process {pid} ({name})"));
        }
    }
    Ok(ended)
}

fn orphans() -> Vec<(u32, String)> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(orphan).collect()
}

/// Its number and name, if it is one whose owner is gone.
fn orphan(pid: u32) -> Option<(u32, String)> {
    // Others' cannot be read, and are none of ours.
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let ours = format!("{VARIABLE}=");
    let mut variables = environment.split(|byte| *byte == 0).filter_map(|variable| std::str::from_utf8(variable).ok());
    let owner = variables.find_map(|variable| variable.strip_prefix(&ours))?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    (is_gone(owner) && pid != std::process::id()).then(|| (pid, name.trim().to_owned()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_this_process_and_no_other_of_its_number() {
        assert!(!is_gone(&owner()));
        let (pid, start) = parsed(&owner()).unwrap();
        let of = |pid: u32, start: u64, within: u64| format!("{}-{pid}-{start}-{within}", workspace::id());
        assert!(is_gone(&of(pid, start + 1, namespace())), "a later process has its number");
        assert!(is_gone(&of(u32::MAX, start, namespace())), "there is no such process");
        assert!(!is_gone(&of(u32::MAX, start, namespace() + 1)), "there may be, where that number holds");
        assert_eq!(another(&owner()), None, "this is no other");
        let init = of(1, started(1).unwrap(), namespace());
        assert_eq!(another(&init), Some(1));
        assert_eq!(another(&of(u32::MAX, start, namespace())), None);
        for other in ["", "x", "another-1-1", &format!("{}-1", workspace::id())] {
            assert!(!is_gone(other), "{other:?} is no owner of this clone");
        }
    }

    #[tokio::test]
    async fn a_process_that_nobody_owns_any_more_is_ended_and_ours_are_not() {
        let sleep = |owner: &str| {
            let mut command = tokio::process::Command::new("sleep");
            command.arg("60").env(VARIABLE, owner).kill_on_drop(true).spawn().unwrap()
        };
        let gone = format!("{}-{}-1-{}", workspace::id(), u32::MAX, namespace());
        let (mut orphan, mut other, mut own) = (sleep(&gone), sleep("another-1-1"), sleep(&owner()));
        let pid = orphan.id().unwrap();
        // Its environment is that of whoever started it until it has become what it is to be.
        while !orphans().iter().any(|(found, name)| *found == pid && name == "sleep") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let ended = end_orphans().await.unwrap();
        assert!(ended.iter().any(|word| word.contains(&pid.to_string())), "{ended:?}");
        assert!(!orphan.wait().await.unwrap().success());
        assert_eq!((other.try_wait().unwrap(), own.try_wait().unwrap()), (None, None));
    }
}
