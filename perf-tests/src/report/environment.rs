//! The machine and the software of a run.

use std::fs;
use std::thread;

use monitoring::run::Settings;
use perf_report::Environment;

/// What is known of them here. Kernel and processor are told by Linux alone.
pub(crate) fn environment(settings: &Settings) -> Environment {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    Environment {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        kernel: kernel.trim().to_owned(),
        processor: model.map_or_else(String::new, |(_, model)| model.to_owned()),
        processors: thread::available_parallelism().map_or(0, |count| u32::try_from(count.get()).unwrap_or(u32::MAX)),
        revision: settings.revision.clone(),
        command: settings.command.clone(),
        allowed_targets: settings.http.allowed.clone(),
    }
}
