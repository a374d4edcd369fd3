//! Signals to processes and process groups, to end them.

use std::time::Duration;

use anyhow::Context as _;
use perf_host::proc;
#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process, test_kill_process_group};
use tokio::process::Child;
use tokio::time;

/// Sends SIGINT to a child, which its signal handler takes as a request to end in order.
#[cfg(unix)]
pub(crate) fn interrupt(child: &Child) -> anyhow::Result<()> {
    child.id().map_or(Ok(()), |pid| send(kill_process, pid, Signal::INT))
}

/// This system has no signals: the process runs to its end.
#[cfg(not(unix))]
pub(crate) fn interrupt(_: &Child) -> anyhow::Result<()> {
    Ok(())
}

/// Whether a process with that id exists and has not ended. False for a zombie.
#[cfg(unix)]
pub(crate) fn is_alive(pid: u32) -> bool {
    numbered(pid).is_some_and(|id| test_kill_process(id).is_ok()) && proc::has_ended(pid) != Some(true)
}

/// On this system, every process counts as running, so that nothing of a running command is
/// removed.
#[cfg(not(unix))]
pub(crate) const fn is_alive(_: u32) -> bool {
    true
}

/// Ends a process with SIGTERM, and with SIGKILL after the time limit. The process need not be a
/// child of this one.
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

/// Ends a process with `taskkill`.
#[cfg(not(unix))]
pub(crate) async fn terminate(pid: u32, within: Duration) -> anyhow::Result<()> {
    let kill = tokio::process::Command::new("taskkill").args(["/F", "/PID", &pid.to_string()]).output();
    let ended = time::timeout(within, kill).await.with_context(|| format!("taskkill did not end within {within:?}"))?;
    ended.context("failed to run taskkill")?;
    Ok(())
}

/// Sends SIGTERM to all processes of a group.
#[cfg(unix)]
pub(crate) fn terminate_group(group: u32) -> anyhow::Result<()> {
    send(kill_process_group, group, Signal::TERM)
}

/// Sends SIGKILL to all processes of a group.
#[cfg(unix)]
pub(crate) fn kill_group(group: u32) -> anyhow::Result<()> {
    send(kill_process_group, group, Signal::KILL)
}

/// Whether any process of a group still runs. A zombie does not count.
#[cfg(unix)]
pub(crate) fn group_lives(group: u32) -> bool {
    // Without /proc, a zombie counts as running.
    numbered(group).is_some_and(|id| test_kill_process_group(id).is_ok()) && proc::group_lives(group).unwrap_or(true)
}

#[cfg(unix)]
fn numbered(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// Sends a signal to a process or a group. One that has ended already is not an error.
#[cfg(unix)]
fn send(kill: fn(Pid, Signal) -> rustix::io::Result<()>, pid: u32, signal: Signal) -> anyhow::Result<()> {
    match kill(numbered(pid).with_context(|| format!("process id {pid} is out of range"))?, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("failed to signal process {pid}")),
    }
}
