//! Checks before a run that this machine has the memory, file descriptors and ports for the plan.
//! Messages name the limit and how to raise it.

use std::fmt;

use perf_host::control_group::ControlGroups;
use perf_host::proc;
use perf_report::format::noun_for;

/// Upper bound of a virtual user's memory for each host, in bytes: its state, its buffers, and the
/// kernel's state of its connection.
const VU_BYTES: u64 = 24 << 10;
/// File descriptors that are not a virtual user's: the store, timers, files, the terminal.
const OTHER_FILES: u64 = 64;

/// A machine's limits. `None` if the system does not report the limit.
#[derive(Debug, Clone, Copy, Default)]
struct Limits {
    /// File descriptors of this process.
    files: Option<u64>,
    /// Local ports for connections to one address.
    ports: Option<u64>,
    /// Available memory, in bytes.
    memory: Option<u64>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CapacityError {
    #[error(
        "{planned} need about {needed} file descriptors, but this process may open only {files}: raise the limit \
         (ulimit -n {needed}, or LimitNOFILE= in a systemd unit)"
    )]
    Files { planned: PlannedVus, needed: u64, files: u64 },
    /// In bytes.
    #[error(
        "{planned} need about {} MiB of memory, but only {} MiB are available: plan fewer VUs, or raise \
         the limit of the container (--pod-memory)",
        .needed >> 20,
        .available >> 20
    )]
    Memory { planned: PlannedVus, needed: u64, available: u64 },
}

/// Virtual users that each keep a connection to each of some hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlannedVus {
    vus: u64,
    hosts: u64,
}

impl fmt::Display for PlannedVus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.vus, noun_for(self.vus, "VU"))?;
        if self.hosts == 1 { Ok(()) } else { write!(f, " with connections to {} hosts", self.hosts) }
    }
}

/// Checks virtual users that each keep a connection to each of this number of hosts against this
/// machine's limits. `own` is the number of them that this process runs; other processes of the
/// machine run the others. Returns warnings.
pub(super) fn check(own: u64, vus: u64, hosts: usize) -> Result<Vec<String>, CapacityError> {
    let hosts = hosts as u64;
    check_limits(own, vus, hosts, read_limits(own * hosts + OTHER_FILES))
}

fn check_limits(own: u64, vus: u64, hosts: u64, limits: Limits) -> Result<Vec<String>, CapacityError> {
    let needed = own * hosts + OTHER_FILES;
    if let Some(files) = limits.files.filter(|files| *files < needed) {
        return Err(CapacityError::Files { planned: PlannedVus { vus: own, hosts }, needed, files });
    }
    let planned = PlannedVus { vus, hosts };
    let memory = vus * hosts * VU_BYTES;
    if let Some(available) = limits.memory.filter(|available| *available < memory) {
        return Err(CapacityError::Memory { planned, needed: memory, available });
    }
    let ports = limits.ports.filter(|ports| *ports < vus).map(|ports| {
        format!(
            "{vus} VUs may need more than this machine's {ports} local ports. If connecting fails with \"cannot assign \
             requested address\", widen net.ipv4.ip_local_port_range"
        )
    });
    Ok(ports.into_iter().collect())
}

/// The limits of this machine. Raises the soft limit of file descriptors if `files_wanted` needs
/// it.
fn read_limits(files_wanted: u64) -> Limits {
    // A container's limit may be far below what its machine has.
    let memory = [proc::available_memory(), ControlGroups::read().available_memory()];
    Limits {
        files: proc::open_files(files_wanted),
        ports: proc::local_ports(),
        memory: memory.into_iter().flatten().min(),
    }
}

#[cfg(test)]
mod tests;
