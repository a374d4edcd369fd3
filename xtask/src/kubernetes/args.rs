//! The flags of runs on Kubernetes.

use perf_settings::{AGENTS, Settings, TARGET, UnixTarget};
use url::Url;

use crate::flags::flag_conflict::conflict;
use crate::refusal::Refusal;

/// Processors and memory of a pod, by default.
pub(super) const POD_CPU: &str = "1";
pub(super) const POD_MEMORY: &str = "512Mi";

/// Flags of `--agents kubernetes:N`.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Kubernetes")]
pub(crate) struct KubernetesArgs {
    /// Image with the scenarios, for --agents kubernetes:N
    ///
    /// `cargo xtask image --push REF` builds it. It must have the same revision as this checkout.
    #[arg(long, value_name = "REF")]
    pub(super) image: Option<String>,
    /// Context of kubectl [default: the current one]
    #[arg(long, value_name = "CONTEXT", requires = "image")]
    pub(super) context: Option<String>,
    /// Namespace of the pods [default: that of the context]
    #[arg(long, value_name = "NAMESPACE", requires = "image")]
    pub(super) namespace: Option<String>,
    #[arg(
        long,
        value_name = "CPU",
        value_parser = parse_quantity,
        requires = "image",
        help = format!("Processors of each pod, for example 2 or 500m [default: {POD_CPU}]")
    )]
    pub(super) pod_cpu: Option<String>,
    #[arg(
        long,
        value_name = "MEMORY",
        value_parser = parse_memory,
        requires = "image",
        help = format!("Memory of each pod, for example 2Gi [default: {POD_MEMORY}]")
    )]
    pub(super) pod_memory: Option<String>,
}

impl KubernetesArgs {
    /// Rejects flags and settings that do not fit. `names_target` tells whether the main target was
    /// given.
    pub(crate) fn check(&self, settings: &Settings, names_target: bool) -> Result<(), Refusal> {
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

/// Checks a quantity of Kubernetes.
fn parse_quantity(text: &str) -> Result<String, String> {
    const SUFFIXES: [&str; 10] = ["", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"];
    let number = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let is_number = number.starts_with(|it: char| it.is_ascii_digit()) && number.parse::<f64>().is_ok();
    match is_number && SUFFIXES.contains(&&text[number.len()..]) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is not a quantity such as 2, 500m or 2Gi")),
    }
}

/// Checks a quantity of bytes. Kubernetes accepts 500m, which is half a byte.
fn parse_memory(text: &str) -> Result<String, String> {
    match text.ends_with('m') {
        true => Err(format!("{text:?} is not a quantity of memory such as 500Mi or 2Gi")),
        false => parse_quantity(text),
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
