//! The machine and software of a run.

use perf_host::machine::Machine;
use perf_host::proc;
use perf_report::evidence::{Environment, TargetHost};
use perf_settings::Settings;
use prometheus_store::shown_url;

use crate::http::{HostConfig, HttpConfig};

/// Describes this machine. Kernel and processor are empty on systems other than Linux.
pub(crate) fn environment(settings: &Settings, http: &HttpConfig) -> Environment {
    let Machine { system, processor, processors } = Machine::this();
    Environment {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        system,
        kernel: proc::kernel_release().unwrap_or_default(),
        processor,
        processors,
        revision: settings.revision.clone(),
        command: settings.command.clone(),
        targets: targets(settings, http),
        proxy: settings.http.proxy.as_ref().map(ToString::to_string),
        allowed_targets: settings.http.allowed.clone(),
    }
}

fn targets(settings: &Settings, http: &HttpConfig) -> Vec<TargetHost> {
    let urls = settings.targets().map(shown_url);
    let target =
        |host: &HostConfig, url| TargetHost { name: host.name.clone(), url, protocol: host.protocol().to_string() };
    let hosts = http.hosts().iter().zip(urls).map(|(host, url)| target(host, url));
    let others = http.other_origins();
    hosts.chain(others.iter().map(|other| target(other, other.target.origin()))).collect()
}
