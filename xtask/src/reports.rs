//! Reports of runs, as files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use monitoring::comparison::Comparison;
use monitoring::judgement::{Report, SCHEMA};
use monitoring::pages;
use monitoring::plain::plain_json;

use crate::files;
use crate::workspace;

/// The report's name in its run's folder.
pub(crate) const REPORT: &str = "report.json";

/// Reads a report.
///
/// # Errors
/// If it is none, or one of another version: what to do is said.
pub(crate) fn read(path: &Path) -> anyhow::Result<Report> {
    const MOST: u64 = 64 << 20;
    let read = || format!("failed to read {}", path.display());
    let length = fs::metadata(path).with_context(read)?.len();
    anyhow::ensure!(length <= MOST, "{} has {length} bytes, and a report has no more than {MOST}", path.display());
    let text = fs::read_to_string(path).with_context(read)?;
    let mut json: serde_json::Value = serde_json::from_str(&text)
        .with_context(|| format!("{} is no report: it is cut off, or no JSON", path.display()))?;
    // It may come from elsewhere, and what stands in it from services and stores.
    plain_json(&mut json);
    let schema = json["schema"].as_u64();
    anyhow::ensure!(
        schema == Some(u64::from(SCHEMA)),
        "{} has a report of version {}, and this reads version {SCHEMA}: make it again, or use the cargo xtask that made it",
        path.display(),
        schema.map_or_else(|| "unknown".to_owned(), |schema| schema.to_string())
    );
    serde_json::from_value(json).with_context(|| format!("{} is no report", path.display()))
}

/// Where a baseline of that name is kept.
pub(crate) fn baseline(name: &str) -> PathBuf {
    workspace::perf().join("baselines").join(name)
}

/// Where the report of a baseline or a run of that name is, or the file of that name; none if there is none.
pub(crate) fn place(name: &str) -> Option<PathBuf> {
    let places = [baseline(name).join(REPORT), PathBuf::from(name), workspace::perf().join(name).join(REPORT)];
    places.into_iter().find(|path| path.is_file())
}

/// The report of a baseline or a run by its name, or of a file.
pub(crate) fn find(name: &str) -> anyhow::Result<(PathBuf, Report)> {
    let path = place(name).with_context(|| {
        format!(
            "{name:?} is neither a file, a baseline nor a run in {}: see cargo xtask runs",
            workspace::perf().display()
        )
    })?;
    let report = read(&path)?;
    Ok((path, report))
}

/// Writes a report in place of an older one, whole or not at all.
pub(crate) fn write(path: &Path, report: &Report) -> anyhow::Result<()> {
    let draft = path.with_extension("tmp");
    files::write_json(&draft, report)?;
    fs::rename(&draft, path).with_context(|| format!("failed to write {}", path.display()))
}

/// Writes everything that is made from a report beside it.
pub(crate) fn write_pages(path: &Path, report: &Report, compared: Option<&Comparison>) -> anyhow::Result<()> {
    write_beside(path, pages::of_run(report, compared)?)
}

/// Writes everything that is made from a comparison of rounds beside it.
pub(crate) fn write_comparison(path: &Path, compared: &Comparison) -> anyhow::Result<()> {
    write_beside(path, pages::of_comparison(compared)?)
}

fn write_beside<N: AsRef<str>, T: AsRef<[u8]>>(
    path: &Path,
    files: impl IntoIterator<Item = (N, T)>,
) -> anyhow::Result<()> {
    for (name, text) in files {
        let page = path.with_file_name(name.as_ref());
        files::write(&page, text)?;
    }
    Ok(())
}

/// A comparison of rounds, by its name or its file; none if it is none.
pub(crate) fn rounds(name: &str) -> anyhow::Result<Option<(PathBuf, Comparison)>> {
    let places = [PathBuf::from(name), workspace::perf().join(name).join("comparison.json")];
    let is_one =
        |path: &PathBuf| path.ends_with("comparison.json") && path.is_file() && !path.with_file_name(REPORT).exists();
    let Some(path) = places.into_iter().find(is_one) else { return Ok(None) };
    Ok(comparison_of(&path)?.map(|compared| (path, compared)))
}

/// What a run was compared with, if it was.
pub(crate) fn comparison_of(path: &Path) -> anyhow::Result<Option<Comparison>> {
    let path = path.with_file_name("comparison.json");
    if !path.is_file() {
        return Ok(None);
    }
    let text = files::read(&path)?;
    let of = || format!("{} is no comparison", path.display());
    let mut json = serde_json::from_str(&text).with_context(of)?;
    plain_json(&mut json);
    serde_json::from_value(json).map(Some).with_context(of)
}

/// The reports in a folder, and files that are none.
pub(crate) fn all(folder: &Path) -> anyhow::Result<(Vec<Report>, Vec<PathBuf>)> {
    let (mut reports, mut unreadable) = (Vec::new(), Vec::new());
    if !folder.exists() {
        return Ok((reports, unreadable));
    }
    let entries = files::list(folder)?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path().join(REPORT);
        // `latest` is one of them once more.
        if entry.file_type()?.is_symlink() || !path.is_file() {
            continue;
        }
        let text = files::read(&path)?;
        match serde_json::from_str(&text) {
            Ok(report) => reports.push(report),
            Err(_) => unreadable.push(path),
        }
    }
    Ok((reports, unreadable))
}
