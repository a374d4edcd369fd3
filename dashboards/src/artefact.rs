//! The files that Grafana reads.

use monitoring::artefact::{Artefact, BANNER};
use monitoring::catalogue::Catalogue;

use crate::{multiplayer, provisioning};

/// Folders in which every file is generated.
pub const FOLDERS: &[&str] = &["dashboards/json", "dashboards/provisioning"];

/// Why a file could not be written as text.
#[derive(Debug, thiserror::Error)]
pub enum ArtefactError {
    /// As YAML.
    #[error("failed to write YAML: {0}")]
    Yaml(#[from] yaml_serde::Error),
    /// As JSON.
    #[error("failed to write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Provisioning, and the dashboard of the catalogue.
///
/// # Errors
/// If a value cannot be written as text.
pub fn artefacts(catalogue: &Catalogue) -> Result<Vec<Artefact>, ArtefactError> {
    let dashboard = multiplayer::dashboard(catalogue);
    let yaml = |path: &str, text: String| Artefact { path: path.to_owned(), contents: format!("{BANNER}{text}") };
    Ok(vec![
        Artefact {
            path: format!("dashboards/json/{}.json", dashboard.uid),
            contents: format!("{}\n", serde_json::to_string_pretty(&dashboard)?),
        },
        yaml("dashboards/provisioning/dashboards/perf.yaml", yaml_serde::to_string(&provisioning::providers())?),
        yaml(
            "dashboards/provisioning/datasources/prometheus.yaml",
            yaml_serde::to_string(&provisioning::data_sources())?,
        ),
    ])
}
