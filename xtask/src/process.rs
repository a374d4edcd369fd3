//! Processes that we start: in groups of their own, so that a Ctrl-C at the terminal reaches only us, and ended by us.

mod owner;

use std::time::Duration;

use anyhow::Context as _;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time;

pub(crate) use owner::{another, end_orphans, is_gone, is_running, owner};

/// A process that goes with us: signals of the terminal do not reach it, and whoever finds it when we are gone knows that it was ours.
pub(crate) fn ours(command: &mut Command) {
    own_group(command);
    command.env(owner::VARIABLE, owner());
}

/// A process that stays when we are gone.
pub(crate) fn own_group(command: &mut Command) {
    #[cfg(unix)]
    command.process_group(0);
    command.env_remove(owner::VARIABLE);
}

/// Counts the signals that ask this process to end.
pub(crate) fn signals() -> anyhow::Result<watch::Receiver<u32>> {
    let (count, receiver) = watch::channel(0);
    #[cfg(unix)]
    let (mut interrupt, mut terminate, mut hangup) = {
        use tokio::signal::unix::{SignalKind, signal};
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?)
    };
    tokio::spawn(async move {
        loop {
            #[cfg(unix)]
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            #[cfg(not(unix))]
            if tokio::signal::ctrl_c().await.is_err() {
                return;
            }
            count.send_modify(|count| *count += 1);
        }
    });
    Ok(receiver)
}

/// Asks a process of ours to end in an orderly way, as its signal handler sees fit.
#[cfg(unix)]
pub(crate) fn interrupt(child: &Child) -> anyhow::Result<()> {
    use nix::sys::signal::Signal;
    child.id().map_or(Ok(()), |pid| signal(pid, Signal::SIGINT))
}

/// There are no signals to send; the process runs to its end.
#[cfg(not(unix))]
pub(crate) fn interrupt(_: &Child) -> anyhow::Result<()> {
    Ok(())
}

/// Ends a process that is no child of this one, or no longer waited for: orderly at first, then not.
#[cfg(unix)]
pub(crate) async fn terminate(pid: u32, within: Duration) -> anyhow::Result<()> {
    use nix::sys::signal::{Signal, kill};
    let alive =
        || i32::try_from(pid).is_ok_and(|pid| kill(nix::unistd::Pid::from_raw(pid), None).is_ok() && !zombie(pid));
    if !alive() {
        return Ok(());
    }
    signal(pid, Signal::SIGTERM)?;
    let gone = async {
        while alive() {
            time::sleep(Duration::from_millis(50)).await;
        }
    };
    if time::timeout(within, gone).await.is_err() {
        signal(pid, Signal::SIGKILL)?;
    }
    Ok(())
}

/// Whether a process has ended and only waits to be asked for its exit code, which nobody will do.
#[cfg(unix)]
fn zombie(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

/// Processes are ended through the system's own tool.
#[cfg(not(unix))]
pub(crate) async fn terminate(pid: u32, within: Duration) -> anyhow::Result<()> {
    let kill = Command::new("taskkill").args(["/F", "/PID", &pid.to_string()]).output();
    time::timeout(within, kill).await.context("taskkill did not end")?.context("failed to run taskkill")?;
    Ok(())
}

/// Asks all processes of a group to end.
#[cfg(unix)]
pub(crate) fn terminate_group(group: u32) -> anyhow::Result<()> {
    signal_group(group, nix::sys::signal::Signal::SIGTERM)
}

/// Ends all processes of a group.
#[cfg(unix)]
pub(crate) fn kill_group(group: u32) -> anyhow::Result<()> {
    signal_group(group, nix::sys::signal::Signal::SIGKILL)
}

/// Whether any process of a group still runs, and not only waits to be asked for its exit code.
#[cfg(unix)]
pub(crate) fn group_lives(group: u32) -> bool {
    let Ok(id) = i32::try_from(group) else { return false };
    if nix::sys::signal::killpg(nix::unistd::Pid::from_raw(id), None).is_err() {
        return false;
    }
    // Where there is no /proc, a zombie cannot be told apart and is taken for alive.
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    let mut pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    pids.any(|pid| group_of(pid) == Some(id) && !zombie(pid))
}

/// The group of a process: the fifth field of its `stat` (proc(5)), the third after its name.
#[cfg(unix)]
fn group_of(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(2)?.parse().ok()
}

#[cfg(unix)]
fn signal_group(group: u32, signal: nix::sys::signal::Signal) -> anyhow::Result<()> {
    use nix::errno::Errno;
    let group = i32::try_from(group).context("a process id out of range")?;
    match nix::sys::signal::killpg(nix::unistd::Pid::from_raw(group), signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("failed to signal the processes of group {group}")),
    }
}

#[cfg(unix)]
fn signal(pid: u32, signal: nix::sys::signal::Signal) -> anyhow::Result<()> {
    use nix::errno::Errno;
    let pid = i32::try_from(pid).context("a process id out of range")?;
    match nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("failed to signal process {pid}")),
    }
}
