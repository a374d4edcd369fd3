//! The images of the stack. Their tags are defined only here.

use crate::host::workspace;

/// The long-term support release, supported until July 2027.
const PROMETHEUS: &str = "prom/prometheus:v3.13.2";
const GRAFANA: &str = "grafana/grafana:13.2.3";

/// The variable for another Prometheus image, such as a mirror's.
pub(crate) const PROMETHEUS_VAR: &str = "PERF_PROMETHEUS_IMAGE";
/// The variable for another Grafana image.
pub(crate) const GRAFANA_VAR: &str = "PERF_GRAFANA_IMAGE";

#[derive(Debug, Clone)]
pub(crate) struct Images {
    pub(crate) prometheus: Image,
    pub(crate) grafana: Image,
}

#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) name: String,
    /// Whether the user chose it.
    pub(crate) is_chosen: bool,
}

impl Images {
    /// The official images, unless the environment names others.
    pub(crate) fn from_environment() -> Self {
        let image = |variable: &str, official: &str| match workspace::var(variable) {
            Some(name) => Image { name, is_chosen: true },
            None => Image { name: official.to_owned(), is_chosen: false },
        };
        Self { prometheus: image(PROMETHEUS_VAR, PROMETHEUS), grafana: image(GRAFANA_VAR, GRAFANA) }
    }
}

/// Name and tag of an image. A colon before the last slash is part of a registry's address.
pub(crate) fn split(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

#[cfg(test)]
mod tests;
