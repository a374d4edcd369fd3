//! Generated Prometheus and backend files. They are committed and mounted unchanged.

use crate::backend_metrics;
use crate::catalogue::{Catalogue, CatalogueError};
use crate::prometheus::recording_rules::{self, Timing};
use crate::prometheus::{alerts, config};

/// A generated file with its path and contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Path from the root of the repository, with forward slashes.
    pub path: String,
    /// Complete contents, with the final newline.
    pub contents: String,
}

/// Folders that hold only generated files. A file there that [`files`] does not return is a
/// leftover.
pub const FOLDERS: &[&str] = &["monitoring/prometheus", BACKEND];

/// Folder of the files that a backend imports.
const BACKEND: &str = "monitoring/backend";

/// First line of every generated file whose format has comments.
pub const BANNER: &str =
    "# Generated from monitoring/src/catalogue.rs by `cargo xtask codegen`. Edits here are lost.\n";

/// A generated file could not be serialized.
#[derive(Debug, thiserror::Error)]
pub enum GeneratedFileError {
    /// The catalogue of a service is not consistent.
    #[error("the catalogue of {0} (monitoring/src/services/) is not valid: {1}")]
    Catalogue(&'static str, CatalogueError),
    /// Not representable as YAML.
    #[error("cannot serialize a generated file as YAML: {0}")]
    Yaml(#[from] yaml_serde::Error),
    /// Not representable as JSON.
    #[error("cannot serialize a generated file as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The files that Prometheus reads, and the bucket bounds that a backend imports. Files are
/// committed with [`Timing::USUAL`]; other timings are for drills.
///
/// # Errors
/// If a catalogue is not consistent, or a value cannot be serialized as YAML.
pub fn files(services: &[&Catalogue], timing: &Timing) -> Result<Vec<GeneratedFile>, GeneratedFileError> {
    let yaml = |path: String, text: String| GeneratedFile {
        path: format!("monitoring/prometheus/{path}"),
        contents: format!("{BANNER}{text}"),
    };
    let mut files = vec![yaml("prometheus.yml".to_owned(), yaml_serde::to_string(&config::server(timing))?)];
    for catalogue in services {
        catalogue.validate().map_err(|error| GeneratedFileError::Catalogue(catalogue.service, error))?;
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
