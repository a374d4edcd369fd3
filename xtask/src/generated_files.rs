//! The generated files of the repository: writing them, and finding those that are not up to date.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fmt, fs};

use anyhow::Context as _;
use monitoring::generated_files::GeneratedFile;
use monitoring::prometheus::recording_rules::Timing;
use monitoring::services;
use perf_report::format::counted_more;

use crate::dashboard_changes::{self, QueryChange};
use crate::host::files;
use crate::kubernetes;

pub(crate) fn generated_files() -> anyhow::Result<Vec<GeneratedFile>> {
    let mut files = monitoring::generated_files::files(services::ALL, &Timing::USUAL)?;
    files.extend(dashboards::generated_files::files(services::ALL)?);
    files.extend(perf_report::schema::files()?);
    files.extend(kubernetes::exported_manifests()?);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn folders() -> impl Iterator<Item = &'static str> {
    let folders = monitoring::generated_files::FOLDERS.iter().chain(dashboards::generated_files::FOLDERS);
    folders.copied().chain([perf_report::schema::FOLDER, kubernetes::FOLDER])
}

/// A committed file that is not as `codegen` writes it. The text is what a check prints.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Path, and the beginning of what `codegen` changes.
    Differs(String, String),
    Missing(String),
    /// It is not generated any more.
    Leftover(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs(path, change) => write!(f, "differs: {path}{change}"),
            Self::Missing(path) => write!(f, "missing: {path}"),
            Self::Leftover(path) => write!(f, "leftover: {path}"),
        }
    }
}

impl Difference {
    /// Its text after `codegen` has written it.
    pub(crate) fn describe_written(&self) -> String {
        match self {
            Self::Differs(path, change) => format!("changed: {path}{change}"),
            Self::Missing(path) => format!("added: {path}"),
            Self::Leftover(path) => format!("removed: {path}"),
        }
    }
}

/// All files that differ from what would be generated, are missing, or are not generated any more.
pub(crate) fn differences(root: &Path) -> anyhow::Result<Vec<Difference>> {
    let files = generated_files()?;
    let mut differences = Vec::new();
    for file in &files {
        match fs::read_to_string(root.join(&file.path)) {
            Ok(contents) if contents == file.contents => {}
            Ok(contents) => {
                let change = describe_change(&contents, file);
                differences.push(Difference::Differs(file.path.clone(), change));
            }
            Err(_) => differences.push(Difference::Missing(file.path.clone())),
        }
    }
    differences.extend(leftovers(root, &files)?.into_iter().map(Difference::Leftover));
    Ok(differences)
}

/// The first changes from the committed dashboard to the generated one, or the first line that
/// differs in any other file. Shows no PromQL.
fn describe_change(found: &str, file: &GeneratedFile) -> String {
    const SHOWN: usize = 3;
    let generated = file.contents.as_str();
    let is_of_rules = file.path.contains("/rules/");
    // Only dashboards have panels.
    let parsed =
        |text| serde_json::from_str::<serde_json::Value>(text).ok().filter(|json| json.get("panels").is_some());
    if let (Some(found), Some(generated)) = (parsed(found), parsed(generated)) {
        let changes = dashboard_changes::differences(&found, &generated, QueryChange::Named);
        if changes.is_empty() {
            return ": only in white space".to_owned();
        }
        let more = counted_more(changes.len().saturating_sub(SHOWN), "change").map(|more| format!(" and {more}"));
        let shown = changes[..changes.len().min(SHOWN)].join(", ");
        return format!(": {shown}{}", more.unwrap_or_default());
    }
    let lines = found.lines().map(Some).chain(std::iter::repeat(None));
    let wanted = generated.lines().map(Some).chain(std::iter::repeat(None));
    let longest = found.lines().count().max(generated.lines().count());
    let differs = lines.zip(wanted).zip(1..).take(longest).find(|((found, wanted), _)| found != wanted);
    differs.map_or_else(String::new, |((found, _), line)| {
        let found = found.map_or(", where the file ends".to_owned(), |text| match is_of_rules {
            true => String::new(),
            false => format!(", {:?}", text.trim().chars().take(60).collect::<String>()),
        });
        format!(": line {line}{found}")
    })
}

/// Writes all generated files, and removes files that are not generated any more.
pub(crate) fn write(root: &Path) -> anyhow::Result<()> {
    let files = generated_files()?;
    for path in leftovers(root, &files)? {
        fs::remove_file(root.join(&path)).with_context(|| format!("failed to remove {path}"))?;
    }
    files::write_generated(root, &files)
}

/// Files in the folders of generated files that are not generated any more.
fn leftovers(root: &Path, files: &[GeneratedFile]) -> anyhow::Result<Vec<String>> {
    let known: BTreeSet<_> = files.iter().map(|file| root.join(&file.path)).collect();
    let mut found = Vec::new();
    let mut folders: Vec<_> = folders().map(|folder| root.join(folder)).filter(|folder| folder.exists()).collect();
    while let Some(folder) = folders.pop() {
        for entry in files::list(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if !known.contains(&path) {
                found.push(path.strip_prefix(root).unwrap_or(&path).display().to_string());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
