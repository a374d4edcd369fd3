//! Files that are generated, committed and mounted as they are.

use crate::backend_metrics;
use crate::catalogue::Catalogue;
use crate::prometheus::recording_rules::{self, Timing};
use crate::prometheus::{alerts, config};

/// A generated file: where it belongs, relative to the repository's root, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Path from the repository's root, with forward slashes.
    pub path: String,
    /// The whole contents.
    pub contents: String,
}

/// Folders in which every file is generated; one that is not in [`files`] is a leftover.
pub const FOLDERS: &[&str] = &["monitoring/prometheus", BACKEND];

/// The folder of what a backend takes over.
const BACKEND: &str = "monitoring/backend";

/// What every generated file that can hold a comment says first.
pub const BANNER: &str =
    "# Generated from monitoring/src/catalogue.rs by `cargo xtask codegen`. Edits here are lost.\n";

/// A generated file could not be written as text.
#[derive(Debug, thiserror::Error)]
pub enum GeneratedFileError {
    /// As YAML.
    #[error("failed to write YAML: {0}")]
    Yaml(#[from] yaml_serde::Error),
    /// As JSON.
    #[error("failed to write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The files that Prometheus reads, and what a backend takes over. Rules of another timing than [`Timing::USUAL`] are for
/// a drill, and are not committed.
///
/// # Errors
/// If a value cannot be written as YAML.
pub fn files(services: &[&Catalogue], timing: &Timing) -> Result<Vec<GeneratedFile>, GeneratedFileError> {
    let yaml = |path: String, text: String| GeneratedFile {
        path: format!("monitoring/prometheus/{path}"),
        contents: format!("{BANNER}{text}"),
    };
    let mut files = vec![yaml("prometheus.yml".to_owned(), yaml_serde::to_string(&config::server(timing))?)];
    for catalogue in services {
        let service = catalogue.service;
        let rules = yaml_serde::to_string(&recording_rules::recording_rules(catalogue, timing))?;
        files.push(yaml(format!("rules/{service}.yml"), rules));
        let alerts = yaml_serde::to_string(&alerts::alerts(catalogue, timing))?;
        files.push(yaml(format!("rules/{service}-alerts.yml"), alerts));
    }
    files.push(GeneratedFile {
        path: format!("{BACKEND}/slo_buckets.py"),
        contents: format!("{BANNER}{}", backend_metrics::buckets(services)),
    });
    Ok(files)
}
