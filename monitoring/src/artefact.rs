//! Files that are generated, committed and mounted as they are.

use crate::catalogue::Catalogue;
use crate::{prometheus, rule};

/// A generated file: where it belongs, relative to the repository's root, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// Path from the repository's root, with forward slashes.
    pub path: String,
    /// The whole contents.
    pub contents: String,
}

/// Folders in which every file is generated; one that is not in [`artefacts`] is a leftover.
pub const FOLDERS: &[&str] = &["monitoring/prometheus"];

/// What every generated file that can hold a comment says first.
pub const BANNER: &str =
    "# Generated from monitoring/src/catalogue.rs by `cargo xtask codegen`. Edits here are lost.\n";

/// The files that Prometheus reads.
///
/// # Errors
/// If a value cannot be written as YAML.
pub fn artefacts(catalogue: &Catalogue) -> Result<Vec<Artefact>, yaml_serde::Error> {
    Ok(vec![
        Artefact {
            path: "monitoring/prometheus/prometheus.yml".to_owned(),
            contents: format!("{BANNER}{}", yaml_serde::to_string(&prometheus::server())?),
        },
        Artefact {
            path: format!("monitoring/prometheus/rules/{}.yml", catalogue.service),
            contents: format!("{BANNER}{}", yaml_serde::to_string(&rule::recording_rules(catalogue))?),
        },
    ])
}
