//! The images of the stack. Their tags are defined only here.

use crate::host::workspace;

/// The long-term support release, supported until July 2027.
const PROMETHEUS: &str = "prom/prometheus:v3.13.2";
const GRAFANA: &str = "grafana/grafana:13.2.3";

/// The variable for another Prometheus image, such as a mirror's.
pub(crate) const PROMETHEUS_VAR: &str = "PERF_PROMETHEUS_IMAGE";
/// The variable for another Grafana image.
pub(crate) const GRAFANA_VAR: &str = "PERF_GRAFANA_IMAGE";

/// The images of a stack.
#[derive(Debug, Clone)]
pub(crate) struct Images {
    pub(crate) prometheus: Image,
    pub(crate) grafana: Image,
}

/// An image.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) name: String,
    /// Whether the user chose it.
    pub(crate) chosen: bool,
}

impl Images {
    /// The official images, unless the environment names others.
    pub(crate) fn chosen() -> Self {
        let image = |variable: &str, official: &str| match workspace::var(variable) {
            Some(name) => Image { name, chosen: true },
            None => Image { name: official.to_owned(), chosen: false },
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
mod tests {
    use super::{GRAFANA, PROMETHEUS, split};
    use crate::host::workspace;

    #[test]
    fn the_table_of_tested_versions_names_the_images() {
        let text = std::fs::read_to_string(workspace::root().join(".github/CONTRIBUTING.md")).unwrap();
        let row = format!("| images that are pulled by default | `{PROMETHEUS}`, `{GRAFANA}` |");
        assert!(text.contains(&row), "CONTRIBUTING.md names other images. Its row has to begin with: {row}");
        let claims = text.lines().filter(|line| line.contains("pulled by default"));
        assert_eq!(claims.count(), 1, "only this row names the images");
    }

    #[test]
    fn an_image_is_split_into_name_and_tag() {
        assert_eq!(split("prom/prometheus:v3.13.2"), ("prom/prometheus", "v3.13.2"));
        assert_eq!(split("localhost:5000/prometheus"), ("localhost:5000/prometheus", "latest"));
        assert_eq!(split("localhost:5000/prometheus:v3"), ("localhost:5000/prometheus", "v3"));
    }
}
