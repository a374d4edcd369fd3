//! The generated files that Grafana reads.

use monitoring::catalogue::Catalogue;
use monitoring::generated_files::{BANNER, GeneratedFile, GeneratedFileError};

use crate::{provisioning, service_dashboard};

/// Folders that hold only generated files.
pub const FOLDERS: &[&str] = &["dashboards/json", "dashboards/provisioning"];

/// A dashboard for each service, and the provisioning files.
///
/// # Errors
/// If a value cannot be serialized.
pub fn files(services: &[&Catalogue]) -> Result<Vec<GeneratedFile>, GeneratedFileError> {
    let mut files = Vec::new();
    for catalogue in services {
        let dashboard = service_dashboard::dashboard(catalogue);
        files.push(GeneratedFile {
            path: format!("dashboards/json/{}.json", dashboard.uid),
            contents: format!("{}\n", serde_json::to_string_pretty(&dashboard)?),
        });
    }
    let yaml = |path: &str, text: String| GeneratedFile { path: path.to_owned(), contents: format!("{BANNER}{text}") };
    files
        .push(yaml("dashboards/provisioning/dashboards/perf.yaml", yaml_serde::to_string(&provisioning::providers())?));
    files.push(yaml(
        "dashboards/provisioning/datasources/prometheus.yaml",
        yaml_serde::to_string(&provisioning::data_sources())?,
    ));
    Ok(files)
}
