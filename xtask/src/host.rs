//! The machine that a command runs on: processes, signals, ports,
//! git, and the cleanup after killed commands.

use perf_host::signals;
use tokio::sync::watch;

pub(crate) mod child;
pub(crate) mod cleanup;
pub(crate) mod clock;
pub(crate) mod files;
pub(crate) mod git;
pub(crate) mod http;
pub(crate) mod owner;
pub(crate) mod ports;
pub(crate) mod processes;
pub(crate) mod terminal;
pub(crate) mod workspace;

/// A channel with the number of signals that have asked this process to end.
pub(crate) fn count_signals() -> anyhow::Result<watch::Receiver<u32>> {
    let (count, receiver) = watch::channel(0);
    signals::on_each(move || count.send_modify(|count| *count += 1))?;
    Ok(receiver)
}
