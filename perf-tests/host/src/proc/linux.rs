//! Linux. A function about a process returns `None` if the process has ended or belongs to another
//! user.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use procfs::net::TcpState;
use procfs::process::{FDTarget, Process, Schedstat, Stat, all_processes};
use procfs::{CpuInfo, CpuTime, Current as _, CurrentSI as _, FromRead as _, KernelStats, Meminfo, net};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::CpuTicks;

fn process(pid: u32) -> Option<Process> {
    Process::new(i32::try_from(pid).ok()?).ok()
}

fn is_zombie(stat: &Stat) -> bool {
    stat.state == 'Z'
}

/// Start time of a process, in ticks since boot. `None` for a zombie, which has ended and waits to
/// be reaped.
pub fn start_time(pid: u32) -> Option<u64> {
    let stat = process(pid)?.stat().ok()?;
    (!is_zombie(&stat)).then_some(stat.starttime)
}

/// Whether a process is a zombie: it has ended, and its parent has not reaped it.
pub fn has_ended(pid: u32) -> Option<bool> {
    Some(is_zombie(&process(pid)?.stat().ok()?))
}

/// Whether a process group has a process that has not ended.
pub fn group_lives(group: u32) -> Option<bool> {
    let stats = all_processes().ok()?.filter_map(|process| process.ok()?.stat().ok());
    let mut members = stats.filter(|stat| u32::try_from(stat.pgrp) == Ok(group));
    Some(members.any(|stat| !is_zombie(&stat)))
}

/// The ids of all processes.
pub fn pids() -> Option<Vec<u32>> {
    let processes = all_processes().ok()?;
    Some(processes.filter_map(|process| u32::try_from(process.ok()?.pid).ok()).collect())
}

/// The name of a process, at most 15 bytes.
pub fn name(pid: u32) -> Option<String> {
    Some(process(pid)?.stat().ok()?.comm)
}

/// The value of a variable in the environment of a process.
pub fn variable(pid: u32, name: &str) -> Option<String> {
    process(pid)?.environ().ok()?.remove(OsStr::new(name))?.into_string().ok()
}

/// The command line of a process, joined by spaces. Empty while the process is about to execute
/// another program.
pub fn command_line(pid: u32) -> Option<String> {
    Some(process(pid)?.cmdline().ok()?.join(" "))
}

/// The name and the peak resident memory, in bytes, of a running process.
pub fn peak_memory(pid: u32) -> Option<(String, u64)> {
    let status = process(pid)?.status().ok()?;
    Some((status.name, status.vmhwm? << 10))
}

/// The processor time of a running process.
pub fn processor_time(pid: u32) -> Option<Duration> {
    let stat = process(pid)?.stat().ok()?;
    Some(Duration::from_millis((stat.utime + stat.stime) * 1_000 / procfs::ticks_per_second()))
}

/// The processor time of all children of this process that have ended.
pub fn time_of_children() -> Option<Duration> {
    let stat = Process::myself().ok()?.stat().ok()?;
    let ticks = u64::try_from(stat.cutime + stat.cstime).ok()?;
    Some(Duration::from_millis(ticks * 1_000 / procfs::ticks_per_second()))
}

/// The namespace of process ids (pid_namespaces(7)). In another namespace, such as a container's,
/// the same id is another process.
pub fn pid_namespace() -> Option<u64> {
    Some(Process::myself().ok()?.namespaces().ok()?.0.get(OsStr::new("pid"))?.identifier)
}

/// The id of the process that listens on this port, on the loopback interface or on all interfaces.
pub fn listener(port: u16) -> Option<u32> {
    let entries = [net::tcp(), net::tcp6()].into_iter().flatten().flatten();
    let mut listening = entries.filter(|entry| entry.state == TcpState::Listen);
    let target = FDTarget::Socket(listening.find(|entry| entry.local_address.port() == port)?.inode);
    let has =
        |process: &Process| process.fd().is_ok_and(|mut fds| fds.any(|fd| fd.is_ok_and(|fd| fd.target == target)));
    let process = all_processes().ok()?.flatten().find(has)?;
    u32::try_from(process.pid).ok()
}

/// Nanoseconds that this thread ran on a processor, and nanoseconds that it was ready but waited
/// for one.
pub fn thread_times() -> Option<(u64, u64)> {
    let times = Schedstat::from_file("/proc/thread-self/schedstat").ok()?;
    Some((times.sum_exec_runtime, times.run_delay))
}

/// Processor time of the whole machine since boot.
pub fn cpu_ticks() -> Option<CpuTicks> {
    ticks(&KernelStats::current().ok()?.total)
}

/// Guest time is part of user time and must not be added again (proc(5)).
fn ticks(time: &CpuTime) -> Option<CpuTicks> {
    let stolen = time.steal?;
    let others = [time.user, time.nice, time.system, time.idle, time.iowait?, time.irq?, time.softirq?];
    Some(CpuTicks { stolen, all: others.iter().sum::<u64>() + stolen })
}

/// Bytes of memory available to new programs.
pub fn available_memory() -> Option<u64> {
    Meminfo::current().ok()?.mem_available
}

/// Number of local ports that the system uses for outgoing connections to one address.
pub fn local_ports() -> Option<u64> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ports = range.split_ascii_whitespace().map_while(|port| port.parse::<u64>().ok());
    let (first, last) = (ports.next()?, ports.next()?);
    Some((last + 1).saturating_sub(first))
}

/// Number of files that this process may open. Raises the soft limit toward `wanted`, up to the
/// hard limit, which needs no privilege.
pub fn open_files(wanted: u64) -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current?;
    if current >= wanted {
        return Some(current);
    }
    let raised = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }) {
        Ok(()) => Some(raised),
        Err(_) => Some(current),
    }
}

/// The bytes that this user may still write to a folder's disk.
pub fn free_space(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The control groups of this process, one a line (cgroups(7)).
pub fn control_groups() -> Option<String> {
    std::fs::read_to_string("/proc/self/cgroup").ok()
}

/// The kernel release, such as "6.1.0-13-amd64".
pub fn kernel_release() -> Option<String> {
    Some(rustix::system::uname().release().to_string_lossy().into_owned())
}

/// The name of this machine.
pub fn hostname() -> Option<String> {
    Some(rustix::system::uname().nodename().to_string_lossy().into_owned())
}

/// The model name of the first processor.
pub fn cpu_model() -> Option<String> {
    CpuInfo::current().ok()?.model_name(0).map(str::to_owned)
}

#[cfg(test)]
mod tests;
