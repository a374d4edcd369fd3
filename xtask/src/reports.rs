//! Reports of runs: where they are, how they are read, and how evidence becomes one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use monitoring::services;
use perf_report::Report;
use perf_report::comparison::Comparison;
use perf_report::evidence::Evidence;
use perf_report::judgement::judge;
use perf_report::read::{read_comparison, read_report};
use perf_report::render::files::{COMPARISON, EVIDENCE, REPORT};

use crate::{files, workspace};

/// Reads a report.
///
/// # Errors
/// If it is not a report, or one of a version that is not known: what to do is said.
pub(crate) fn read(path: &Path) -> anyhow::Result<Report> {
    read_report(&text(path)?).with_context(|| format!("failed to read {}", path.display()))
}

/// The text of a report or of evidence.
fn text(path: &Path) -> anyhow::Result<String> {
    const MOST: u64 = 64 << 20;
    let length = fs::metadata(path).with_context(|| format!("failed to read {}", path.display()))?.len();
    anyhow::ensure!(length <= MOST, "{} has {length} bytes, and a report has no more than {MOST}", path.display());
    files::read(path)
}

/// Reads what a run measured.
///
/// # Errors
/// If it is not evidence, or of a version that is not known.
pub(crate) fn read_evidence(path: &Path) -> anyhow::Result<Evidence> {
    perf_report::read::read_evidence(&text(path)?).with_context(|| format!("failed to read {}", path.display()))
}

/// The report that evidence gives, by what its service promises now.
///
/// # Errors
/// If the service's endpoints or thresholds are not those that the run was measured by.
pub(crate) fn judge_evidence(evidence: Evidence) -> anyhow::Result<Report> {
    let Evidence { testid, service, .. } = &evidence;
    let catalogue = services::find(service).with_context(|| {
        format!(
            "run {testid} is of service {service}, which monitoring/src/services/mod.rs does not list: add it to ALL"
        )
    })?;
    anyhow::ensure!(
        evidence.is_of(catalogue),
        "run {testid} was measured by other endpoints or thresholds of {service} than monitoring/src/services has now: run it again"
    );
    let judgement = judge(catalogue, &evidence);
    Ok(Report::new(evidence, judgement))
}

/// The evidence of a run that came to no report, by the run's name or by its file.
pub(crate) fn evidence_alone(name: &str) -> Option<PathBuf> {
    let places = [PathBuf::from(name), workspace::perf().join(name).join(EVIDENCE)];
    let is_alone = |path: &PathBuf| path.ends_with(EVIDENCE) && path.is_file() && !path.with_file_name(REPORT).exists();
    places.into_iter().find(is_alone)
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

/// A comparison of rounds, by its name or its file; none if it is none.
pub(crate) fn rounds(name: &str) -> anyhow::Result<Option<(PathBuf, Comparison)>> {
    let places = [PathBuf::from(name), workspace::perf().join(name).join(COMPARISON)];
    let is_one = |path: &PathBuf| path.ends_with(COMPARISON) && path.is_file() && !path.with_file_name(REPORT).exists();
    let Some(path) = places.into_iter().find(is_one) else { return Ok(None) };
    Ok(comparison_of(&path)?.map(|compared| (path, compared)))
}

/// What a run was compared with, if it was.
pub(crate) fn comparison_of(path: &Path) -> anyhow::Result<Option<Comparison>> {
    let path = path.with_file_name(COMPARISON);
    if !path.is_file() {
        return Ok(None);
    }
    let compared = read_comparison(&files::read(&path)?);
    compared.map(Some).with_context(|| format!("failed to read {}", path.display()))
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
        let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
        match read_report(&text) {
            Ok(report) => reports.push(report),
            Err(_) => unreadable.push(path),
        }
    }
    Ok((reports, unreadable))
}
