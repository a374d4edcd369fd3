//! The machine that a command runs on: its processes, signals and ports, and what killed commands left on it.

use perf_host::{proc, signals};
use tokio::sync::watch;

pub(crate) mod cleanup;
pub(crate) mod owner;
pub(crate) mod ports;
pub(crate) mod processes;

/// What tells this machine from others, as far as speed goes: its system, its processors and their model.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model = proc::cpu_model().unwrap_or_default();
    format!("{} {}, {cores} x {model}", std::env::consts::OS, std::env::consts::ARCH)
}

/// Counts the signals that ask this process to end.
pub(crate) fn count_signals() -> anyhow::Result<watch::Receiver<u32>> {
    let (count, receiver) = watch::channel(0);
    signals::on_each(move || count.send_modify(|count| *count += 1))?;
    Ok(receiver)
}
