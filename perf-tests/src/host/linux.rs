//! What Linux tells, most of it in `/proc`.

use procfs::process::Schedstat;
use procfs::{CpuInfo, CpuTime, Current as _, CurrentSI as _, FromRead as _, KernelStats, Meminfo};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::ProcessorTicks;

/// Nanoseconds that this thread was on a processor, and that it was ready without one.
pub(crate) fn thread_times() -> Option<(u64, u64)> {
    let times = Schedstat::from_file("/proc/thread-self/schedstat").ok()?;
    Some((times.sum_exec_runtime, times.run_delay))
}

/// Processor time of the whole machine.
pub(crate) fn processor_ticks() -> Option<ProcessorTicks> {
    ticks(&KernelStats::current().ok()?.total)
}

/// A guest's time is part of user time, and not added again (proc(5)).
fn ticks(time: &CpuTime) -> Option<ProcessorTicks> {
    let stolen = time.steal?;
    let others = [time.user, time.nice, time.system, time.idle, time.iowait?, time.irq?, time.softirq?];
    Some(ProcessorTicks { stolen, all: others.iter().sum::<u64>() + stolen })
}

/// Bytes of memory that programs can still get.
pub(crate) fn available_memory() -> Option<u64> {
    Meminfo::current().ok()?.mem_available
}

/// Ports that the system gives out for connections to one address.
pub(crate) fn local_ports() -> Option<u64> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ports = range.split_ascii_whitespace().map_while(|port| port.parse::<u64>().ok());
    let (first, last) = (ports.next()?, ports.next()?);
    Some((last + 1).saturating_sub(first))
}

/// Files that this process may open. Raises the soft limit as far as the hard one allows, which every process may do.
pub(crate) fn open_files(wanted: u64) -> Option<u64> {
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

/// The kernel's release, such as "6.1.0-13-amd64".
pub(crate) fn kernel_release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

/// The name of the first processor; empty if it has none.
pub(crate) fn processor_model() -> String {
    CpuInfo::current().ok().and_then(|info| info.model_name(0).map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use procfs::{FromBufReadSI as _, current_system_info};

    use super::*;

    #[test]
    fn processor_time_has_eight_parts_and_no_guest() {
        let read = |cpu: &str| {
            let stat = format!("{cpu}\ncpu0 1 1 1 1\nctxt 1\nbtime 1\nprocesses 1\n");
            KernelStats::from_buf_read(stat.as_bytes(), current_system_info()).ok()
        };
        let whole = read("cpu  10 1 5 80 2 0 1 7 0 0").and_then(|stat| ticks(&stat.total)).unwrap();
        assert_eq!((whole.stolen, whole.all), (7, 106));
        assert!(read("cpu  10 1 5 80 2 0 1").and_then(|stat| ticks(&stat.total)).is_none());
        assert!(read("intr 5").is_none());
    }

    #[test]
    fn this_machine_tells_of_itself() {
        assert!(processor_ticks().is_some_and(|ticks| ticks.all > 0));
        assert!(available_memory().is_some_and(|bytes| bytes > 1 << 20) && local_ports().is_some());
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        assert_eq!(kernel_release(), release.trim());
    }
}
