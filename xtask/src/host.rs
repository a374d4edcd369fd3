//! The machine that a command runs on: processes, signals, ports,
//! and the cleanup after killed commands.

use perf_host::{proc, signals};
use tokio::sync::watch;

pub(crate) mod cleanup;
pub(crate) mod owner;
pub(crate) mod ports;
pub(crate) mod processes;

/// Describes what makes this machine fast or slow: operating system, processors and their model.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model = proc::cpu_model().unwrap_or_default();
    format!("{} {}, {cores} x {model}", std::env::consts::OS, std::env::consts::ARCH)
}

/// A channel with the number of signals that have asked this process to end.
pub(crate) fn count_signals() -> anyhow::Result<watch::Receiver<u32>> {
    let (count, receiver) = watch::channel(0);
    signals::on_each(move || count.send_modify(|count| *count += 1))?;
    Ok(receiver)
}
