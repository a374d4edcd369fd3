//! Files that are generated, committed and mounted as they are.

use crate::catalogue::Catalogue;
use crate::comparison::Comparison;
use crate::judgement::Report;
use crate::rule::Timing;
use crate::{alert, backend, prometheus, rule};

/// A generated file: where it belongs, relative to the repository's root, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// Path from the repository's root, with forward slashes.
    pub path: String,
    /// The whole contents.
    pub contents: String,
}

/// Folders in which every file is generated; one that is not in [`artefacts`] is a leftover.
pub const FOLDERS: &[&str] = &["monitoring/prometheus", BACKEND, SCHEMA];

/// What others read our files by.
const SCHEMA: &str = "monitoring/schema";

/// What a backend takes over from here.
const BACKEND: &str = "monitoring/backend";

/// What every generated file that can hold a comment says first.
pub const BANNER: &str =
    "# Generated from monitoring/src/catalogue.rs by `cargo xtask codegen`. Edits here are lost.\n";

/// A file cannot be written as what it should be.
#[derive(Debug, thiserror::Error)]
pub enum ArtefactError {
    /// As YAML.
    #[error(transparent)]
    Yaml(#[from] yaml_serde::Error),
    /// As JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// The files that Prometheus reads, what a backend takes over, and the schemas of reports.
///
/// # Errors
/// If a value cannot be written as YAML or JSON.
pub fn artefacts(catalogue: &Catalogue) -> Result<Vec<Artefact>, ArtefactError> {
    let mut files = artefacts_at(catalogue, &Timing::USUAL)?;
    for (name, schema) in [("report", schemars::schema_for!(Report)), ("comparison", schemars::schema_for!(Comparison))]
    {
        let contents = serde_json::to_string_pretty(&schema)? + "\n";
        files.push(Artefact { path: format!("{SCHEMA}/{name}.schema.json"), contents });
    }
    Ok(files)
}

/// The same at another pace, for a drill. Not committed.
///
/// # Errors
/// If a value cannot be written as YAML.
pub fn artefacts_at(catalogue: &Catalogue, timing: &Timing) -> Result<Vec<Artefact>, ArtefactError> {
    let service = catalogue.service;
    let file = |path: String, text: String| Artefact {
        path: format!("monitoring/prometheus/{path}"),
        contents: format!("{BANNER}{text}"),
    };
    Ok(vec![
        file("prometheus.yml".to_owned(), yaml_serde::to_string(&prometheus::server(timing))?),
        file(format!("rules/{service}.yml"), yaml_serde::to_string(&rule::recording_rules(catalogue, timing))?),
        file(format!("rules/{service}-alerts.yml"), yaml_serde::to_string(&alert::alerts(catalogue, timing))?),
        Artefact {
            path: format!("{BACKEND}/slo_buckets.py"),
            contents: format!("{BANNER}{}", backend::buckets(catalogue)),
        },
    ])
}
