//! How processes are ended.

use std::time::Duration;

use anyhow::Context as _;
use perf_host::proc;
#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process, test_kill_process_group};
use tokio::process::Child;
use tokio::time;

#[cfg(unix)]

/// Asks a process of ours to end in an orderly way, as its signal handler sees fit.
#[cfg(unix)]
pub(crate) fn interrupt(child: &Child) -> anyhow::Result<()> {
    child.id().map_or(Ok(()), |pid| send(kill_process, pid, Signal::INT))
}

/// There are no signals to send; the process runs to its end.
#[cfg(not(unix))]
pub(crate) fn interrupt(_: &Child) -> anyhow::Result<()> {
    Ok(())
}

/// Whether there is a process of that number, which has not ended yet.
#[cfg(unix)]
pub(crate) fn is_alive(pid: u32) -> bool {
    numbered(pid).is_some_and(|id| test_kill_process(id).is_ok()) && proc::has_ended(pid) != Some(true)
}

/// Nobody is asked there, and so nothing is taken from a command that may run.
#[cfg(not(unix))]
pub(crate) const fn is_alive(_: u32) -> bool {
    true
}

/// Ends a process that is no child of this one, or no longer waited for: orderly at first, then not.
#[cfg(unix)]
pub(crate) async fn terminate(pid: u32, within: Duration) -> anyhow::Result<()> {
    if !is_alive(pid) {
        return Ok(());
    }
    send(kill_process, pid, Signal::TERM)?;
    let gone = async {
        while is_alive(pid) {
            time::sleep(Duration::from_millis(50)).await;
        }
    };
    if time::timeout(within, gone).await.is_err() {
        send(kill_process, pid, Signal::KILL)?;
    }
    Ok(())
}

/// Processes are ended through the system's own tool.
#[cfg(not(unix))]
pub(crate) async fn terminate(pid: u32, within: Duration) -> anyhow::Result<()> {
    let kill = tokio::process::Command::new("taskkill").args(["/F", "/PID", &pid.to_string()]).output();
    time::timeout(within, kill).await.context("taskkill did not end")?.context("failed to run taskkill")?;
    Ok(())
}

/// Asks all processes of a group to end.
#[cfg(unix)]
pub(crate) fn terminate_group(group: u32) -> anyhow::Result<()> {
    send(kill_process_group, group, Signal::TERM)
}

/// Ends all processes of a group.
#[cfg(unix)]
pub(crate) fn kill_group(group: u32) -> anyhow::Result<()> {
    send(kill_process_group, group, Signal::KILL)
}

/// Whether any process of a group still runs, and not only waits to be asked for its exit code.
#[cfg(unix)]
pub(crate) fn group_lives(group: u32) -> bool {
    // Where there is no /proc, a zombie cannot be told apart and is taken for alive.
    numbered(group).is_some_and(|id| test_kill_process_group(id).is_ok()) && proc::group_lives(group).unwrap_or(true)
}

#[cfg(unix)]
fn numbered(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// Sends a signal to a process or a group. One that is gone already has ended, which is what was wanted.
#[cfg(unix)]
fn send(kill: fn(Pid, Signal) -> rustix::io::Result<()>, pid: u32, signal: Signal) -> anyhow::Result<()> {
    match kill(numbered(pid).context("a process id out of range")?, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("failed to signal process {pid}")),
    }
}
