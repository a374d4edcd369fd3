//! The machine that a command runs on: its processes, signals, ports and file locks, and what killed commands left on it.

pub(crate) mod cleanup;
pub(crate) mod lock;
pub(crate) mod owner;
pub(crate) mod ports;
pub(crate) mod proc;
pub(crate) mod processes;
pub(crate) mod signals;

/// What tells this machine from others, as far as speed goes: its system, its processors and their model.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model = proc::cpu_model().unwrap_or_default();
    format!("{} {}, {cores} x {model}", std::env::consts::OS, std::env::consts::ARCH)
}
