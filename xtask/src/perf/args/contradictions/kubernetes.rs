//! Which flags and settings go with `--agents kubernetes:N`.

use perf_settings::{AGENTS, Settings, TARGET, UnixTarget};
use url::Url;

use crate::flags::flag_conflict::conflict;
use crate::kubernetes::KubernetesArgs;
use crate::refusal::Refusal;

impl KubernetesArgs {
    /// Rejects flags and settings that do not fit. `names_target` tells whether the main target was
    /// given.
    pub(super) fn check(&self, settings: &Settings, names_target: bool) -> Result<(), Refusal> {
        if !settings.on_kubernetes {
            return match &self.image {
                Some(_) => conflict("--image is for --agents kubernetes:N: add it, or remove --image"),
                None => Ok(()),
            };
        }
        let agents = settings.with_value(AGENTS, "kubernetes:N");
        if self.image.is_none() {
            return conflict(format!("{agents} needs --image REF, which cargo xtask image --push REF builds"));
        }
        if !names_target {
            let target = settings.with_value(TARGET, "URL");
            return conflict(format!("{agents} needs {target}: pods do not reach a stub backend on this machine"));
        }
        let proxy = settings.http.proxy.as_ref().map(perf_settings::ProxyUrl::url);
        for url in settings.targets().chain(&settings.remote_write).chain(&settings.prometheus).chain(proxy) {
            if let Some(why) = unreachable_reason(url) {
                let shown = prometheus_store::shown_url(url);
                return conflict(format!("pods do not reach {shown}, {why}: give a URL that the cluster reaches"));
            }
        }
        match settings.files().next() {
            Some(path) => conflict(format!(
                "pods do not have the file {}: leave out the setting that names it (the image has the files of \
                 perf-tests/data, for scenarios)",
                path.display()
            )),
            None => Ok(()),
        }
    }
}

/// Why only this machine reaches a URL, if that is so.
fn unreachable_reason(url: &Url) -> Option<&'static str> {
    if UnixTarget::from_url(url).is_some() {
        return Some("a socket of this machine");
    }
    prometheus_store::is_this_machine(url).then_some("an address of this machine only")
}

#[cfg(test)]
mod tests;
