//! The machine and software of a run.

use std::thread;

use perf_host::proc;
use perf_report::Environment;
use perf_settings::Settings;

/// Describes this machine. Kernel and processor are empty on systems other than Linux.
pub(crate) fn environment(settings: &Settings) -> Environment {
    Environment {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        kernel: proc::kernel_release().unwrap_or_default(),
        processor: proc::cpu_model().unwrap_or_default(),
        processors: thread::available_parallelism().map_or(0, |count| u32::try_from(count.get()).unwrap_or(u32::MAX)),
        revision: settings.revision.clone(),
        command: settings.command.clone(),
        allowed_targets: settings.http.allowed.clone(),
    }
}
