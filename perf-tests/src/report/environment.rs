//! The machine and the software of a run.

use std::thread;

use perf_report::Environment;
use perf_settings::Settings;

use crate::host;

/// What is known of them here. Kernel and processor are told by Linux alone.
pub(crate) fn environment(settings: &Settings) -> Environment {
    Environment {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        kernel: host::kernel_release(),
        processor: host::processor_model(),
        processors: thread::available_parallelism().map_or(0, |count| u32::try_from(count.get()).unwrap_or(u32::MAX)),
        revision: settings.revision.clone(),
        command: settings.command.clone(),
        allowed_targets: settings.http.allowed.clone(),
    }
}
