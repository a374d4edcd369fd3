//! Reports of runs, as files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use monitoring::judgement::{Report, SCHEMA};

use crate::workspace;

/// The report's name in its run's folder.
const REPORT: &str = "report.json";

/// Reads a report.
///
/// # Errors
/// If it is none, or one of another version: what to do is said.
pub(crate) fn read(path: &Path) -> anyhow::Result<Report> {
    let text = fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    let json: serde_json::Value = serde_json::from_str(&text)
        .with_context(|| format!("{} is no report: it is cut off, or no JSON", path.display()))?;
    let schema = json["schema"].as_u64();
    anyhow::ensure!(
        schema == Some(u64::from(SCHEMA)),
        "{} has a report of version {}, and this reads version {SCHEMA}: make it again, or use the cargo xtask that made it",
        path.display(),
        schema.map_or_else(|| "unknown".to_owned(), |schema| schema.to_string())
    );
    serde_json::from_value(json).with_context(|| format!("{} is no report", path.display()))
}

/// The report of a run by its name, or of a file.
pub(crate) fn find(name: &str) -> anyhow::Result<(PathBuf, Report)> {
    let file = Path::new(name);
    let path = if file.is_file() { file.to_owned() } else { workspace::perf().join(name).join(REPORT) };
    anyhow::ensure!(
        path.is_file(),
        "{name:?} is neither a file nor a run in {}: see cargo xtask runs",
        workspace::perf().display()
    );
    let report = read(&path)?;
    Ok((path, report))
}

/// Writes a report in place of an older one, whole or not at all.
pub(crate) fn write(path: &Path, report: &Report) -> anyhow::Result<()> {
    let draft = path.with_extension("tmp");
    let text = serde_json::to_string_pretty(report).context("failed to write the report as JSON")? + "\n";
    fs::write(&draft, text).with_context(|| format!("failed to write {}", draft.display()))?;
    fs::rename(&draft, path).with_context(|| format!("failed to write {}", path.display()))
}
