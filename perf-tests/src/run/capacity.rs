//! Whether this machine can hold what is planned: memory, file descriptors and ports, said before the run with the limit and
//! how to raise it.

use perf_host::proc;

use crate::plan::Plan;

/// What one virtual user takes, at most, in bytes: its state, its buffers, and what the kernel keeps of its connection.
const OF_A_VU: u64 = 24 << 10;
/// File descriptors besides those of virtual users: the store, timers, files, the terminal.
const FILES_OF_OURS: u64 = 64;

/// What a machine has to give. None where it does not tell.
#[derive(Debug, Clone, Copy, Default)]
struct Limits {
    files: Option<u64>,
    ports: Option<u64>,
    memory: Option<u64>,
}

/// Checks a plan against this machine. Gives warnings.
///
/// # Errors
/// If the machine cannot hold it.
pub(super) fn check(plan: &Plan) -> Result<Vec<String>, String> {
    fits(plan.most_vus().into(), here(u64::from(plan.most_vus()) + FILES_OF_OURS))
}

fn fits(vus: u64, limits: Limits) -> Result<Vec<String>, String> {
    let needed = vus + FILES_OF_OURS;
    if let Some(files) = limits.files.filter(|files| *files < needed) {
        return Err(format!(
            "{vus} VUs need about {needed} file descriptors, and this process may open {files}: raise the limit with \
             ulimit -n {needed}, or LimitNOFILE= of the service that starts it"
        ));
    }
    let memory = vus * OF_A_VU;
    if let Some(available) = limits.memory.filter(|available| *available < memory) {
        let mib = |bytes: u64| bytes >> 20;
        return Err(format!(
            "{vus} VUs need about {} MiB of memory, and {} MiB are available",
            mib(memory),
            mib(available)
        ));
    }
    let ports = limits.ports.filter(|ports| *ports < vus).map(|ports| {
        format!(
            "{vus} VUs may want more connections to one address than the {ports} ports that this machine gives out for \
             that: widen net.ipv4.ip_local_port_range if connecting fails with \"cannot assign requested address\""
        )
    });
    Ok(ports.into_iter().collect())
}

fn here(files_wanted: u64) -> Limits {
    Limits { files: proc::open_files(files_wanted), ports: proc::local_ports(), memory: proc::available_memory() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MUCH: Limits = Limits { files: Some(1 << 20), ports: Some(28_232), memory: Some(8 << 30) };

    #[test]
    fn what_does_not_fit_is_said_with_its_limit_and_cure() {
        assert_eq!(fits(10_000, MUCH), Ok(Vec::new()));
        let files = fits(10_000, Limits { files: Some(1024), ..MUCH }).unwrap_err();
        assert!(files.contains("1024") && files.contains("ulimit -n 10064"), "{files}");
        let memory = fits(50_000, Limits { memory: Some(100 << 20), ..MUCH }).unwrap_err();
        assert!(memory.contains("100 MiB"), "{memory}");
        let ports = fits(40_000, MUCH).unwrap();
        assert!(ports[0].contains("28232"), "{ports:?}");
        assert_eq!(fits(50_000, Limits::default()), Ok(Vec::new()));
    }
}
