//! JSON Schemas of reports and comparisons, as generated files.

use monitoring::generated_files::{GeneratedFile, GeneratedFileError};

use crate::Report;
use crate::comparison::Comparison;

/// Folder of the generated files. It contains no other files.
pub const FOLDER: &str = "monitoring/schema";

/// Schemas of `report.json` and `comparison.json`.
///
/// # Errors
/// If a schema cannot be written as JSON.
pub fn files() -> Result<Vec<GeneratedFile>, GeneratedFileError> {
    let schemas = [("report", schemars::schema_for!(Report)), ("comparison", schemars::schema_for!(Comparison))];
    let file = |(name, schema): (&str, schemars::Schema)| {
        let contents = serde_json::to_string_pretty(&schema)? + "\n";
        Ok(GeneratedFile { path: format!("{FOLDER}/{name}.schema.json"), contents })
    };
    schemas.into_iter().map(file).collect()
}
