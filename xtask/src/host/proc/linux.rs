//! Linux: each function is `None` where the process is gone or another user's.

use std::ffi::OsStr;
use std::time::Duration;

use procfs::net::TcpState;
use procfs::process::{FDTarget, Process, Stat, all_processes};
use procfs::{CpuInfo, Current as _, net};

fn process(pid: u32) -> Option<Process> {
    Process::new(i32::try_from(pid).ok()?).ok()
}

fn is_zombie(stat: &Stat) -> bool {
    stat.state == 'Z'
}

/// When a process was started, in ticks since the machine was. A process that only waits to be asked for its exit code is gone.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    let stat = process(pid)?.stat().ok()?;
    (!is_zombie(&stat)).then_some(stat.starttime)
}

/// Whether a process has ended and only waits to be asked for its exit code, which nobody will do.
pub(crate) fn has_ended(pid: u32) -> Option<bool> {
    Some(is_zombie(&process(pid)?.stat().ok()?))
}

/// Whether a process of a group has not ended yet.
pub(crate) fn group_lives(group: u32) -> Option<bool> {
    let stats = all_processes().ok()?.filter_map(|process| process.ok()?.stat().ok());
    let mut members = stats.filter(|stat| u32::try_from(stat.pgrp) == Ok(group));
    Some(members.any(|stat| !is_zombie(&stat)))
}

/// The number of each process.
pub(crate) fn pids() -> Option<Vec<u32>> {
    let processes = all_processes().ok()?;
    Some(processes.filter_map(|process| u32::try_from(process.ok()?.pid).ok()).collect())
}

/// The name of a process.
pub(crate) fn name(pid: u32) -> Option<String> {
    Some(process(pid)?.stat().ok()?.comm)
}

/// A variable of a process' environment.
pub(crate) fn variable(pid: u32, name: &str) -> Option<String> {
    process(pid)?.environ().ok()?.remove(OsStr::new(name))?.into_string().ok()
}

/// What a process was started with; empty while it is about to become another program.
pub(crate) fn command_line(pid: u32) -> Option<String> {
    Some(process(pid)?.cmdline().ok()?.join(" "))
}

/// The name and the peak of resident memory, in bytes, of a process that runs.
pub(crate) fn peak_memory(pid: u32) -> Option<(String, u64)> {
    let status = process(pid)?.status().ok()?;
    Some((status.name, status.vmhwm? << 10))
}

/// The processor time of all children of this process that have ended.
pub(crate) fn time_of_children() -> Option<Duration> {
    let stat = Process::myself().ok()?.stat().ok()?;
    let ticks = u64::try_from(stat.cutime + stat.cstime).ok()?;
    Some(Duration::from_millis(ticks * 1_000 / procfs::ticks_per_second()))
}

/// The namespace of process numbers (pid_namespaces(7)): in another one, such as a container's, a number is another process's.
pub(crate) fn pid_namespace() -> Option<u64> {
    Some(Process::myself().ok()?.namespaces().ok()?.0.get(OsStr::new("pid"))?.identifier)
}

/// The process that listens at a port of the loopback interface or of all.
pub(crate) fn listener(port: u16) -> Option<u32> {
    let entries = [net::tcp(), net::tcp6()].into_iter().flatten().flatten();
    let mut listening = entries.filter(|entry| entry.state == TcpState::Listen);
    let wanted = FDTarget::Socket(listening.find(|entry| entry.local_address.port() == port)?.inode);
    let has =
        |process: &Process| process.fd().is_ok_and(|mut fds| fds.any(|fd| fd.is_ok_and(|fd| fd.target == wanted)));
    let process = all_processes().ok()?.flatten().find(has)?;
    u32::try_from(process.pid).ok()
}

/// The model of the first processor.
pub(crate) fn cpu_model() -> Option<String> {
    CpuInfo::current().ok()?.model_name(0).map(str::to_owned)
}
