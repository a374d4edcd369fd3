//! The machine and software of a run.

use std::sync::Arc;
use std::thread;

use perf_host::proc;
use perf_report::{Environment, TargetHost};
use perf_settings::Settings;
use prometheus_store::shown_url;

use crate::http::{HostConfig, HttpConfig};

/// Describes this machine. Kernel and processor are empty on systems other than Linux.
pub(crate) fn environment(settings: &Settings, http: &HttpConfig) -> Environment {
    Environment {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        kernel: proc::kernel_release().unwrap_or_default(),
        processor: proc::cpu_model().unwrap_or_default(),
        processors: thread::available_parallelism().map_or(0, |count| u32::try_from(count.get()).unwrap_or(u32::MAX)),
        revision: settings.revision.clone(),
        command: settings.command.clone(),
        targets: targets(settings, &http.other_origins()),
        allowed_targets: settings.http.allowed.clone(),
    }
}

/// All hosts that load went to, if there are several.
fn targets(settings: &Settings, others: &[Arc<HostConfig>]) -> Vec<TargetHost> {
    let main = TargetHost { name: String::new(), url: shown_url(&settings.target) };
    let hosts = settings.hosts.iter().map(|(name, url)| TargetHost { name: name.clone(), url: shown_url(url) });
    let others = others.iter().map(|other| TargetHost { name: String::new(), url: other.target.origin() });
    let all: Vec<_> = [main].into_iter().chain(hosts).chain(others).collect();
    if all.len() > 1 { all } else { Vec::new() }
}
