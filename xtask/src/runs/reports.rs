//! Reads reports of runs, and makes reports from evidence.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use monitoring::services;
use perf_report::Report;
use perf_report::comparison::Comparison;
use perf_report::evidence::{Evidence, RunOverview};
use perf_report::judgement::judge;
use perf_report::read::{read_comparison, read_report};
use perf_report::render::files::{COMPARISON, REPORT};

use crate::host::files;

/// A report, and the path of its file.
#[derive(Debug, Clone)]
pub(crate) struct RecordedReport {
    pub(crate) path: PathBuf,
    pub(crate) report: Report,
}

/// Reads a report.
///
/// # Errors
/// If the file is not a report, or has an unknown version. The message says what to do.
pub(crate) fn read(path: &Path) -> anyhow::Result<Report> {
    read_report(&read_text(path)?).with_context(|| format!("failed to read {}", path.display()))
}

/// The text of a report or of evidence, at most 64 MiB.
fn read_text(path: &Path) -> anyhow::Result<String> {
    const MAX_BYTES: u64 = 64 << 20;
    let length = fs::metadata(path).with_context(|| format!("failed to read {}", path.display()))?.len();
    anyhow::ensure!(
        length <= MAX_BYTES,
        "{} has {} MiB, and a report has at most {} MiB: is it the right file?",
        path.display(),
        length >> 20,
        MAX_BYTES >> 20
    );
    files::read(path)
}

pub(crate) fn read_evidence(path: &Path) -> anyhow::Result<Evidence> {
    perf_report::read::read_evidence(&read_text(path)?).with_context(|| format!("failed to read {}", path.display()))
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum UnjudgeableError {
    #[error("run {testid} is of service {service}, which monitoring/src/services/mod.rs does not list: add it to ALL")]
    UnknownService { testid: String, service: String },
    #[error(
        "the endpoints or thresholds of {service} in monitoring/src/services have changed since run {testid}: repeat \
         the run"
    )]
    ServiceChanged { testid: String, service: String },
}

/// Makes a report from evidence, with the current objectives of its service.
pub(crate) fn judge_evidence(evidence: Evidence) -> Result<Report, UnjudgeableError> {
    let RunOverview { testid, service, .. } = &evidence.run;
    let (testid, service) = (testid.clone(), service.clone());
    let Some(catalogue) = services::find(&service) else {
        return Err(UnjudgeableError::UnknownService { testid, service });
    };
    if !evidence.matches(catalogue) {
        return Err(UnjudgeableError::ServiceChanged { testid, service });
    }
    let judgement = judge(catalogue, &evidence);
    Ok(Report::new(evidence, judgement))
}

/// The comparison beside a report, if the run was compared.
pub(crate) fn comparison_beside(path: &Path) -> anyhow::Result<Option<Comparison>> {
    let path = path.with_file_name(COMPARISON);
    if !path.is_file() {
        return Ok(None);
    }
    let compared = read_comparison(&files::read(&path)?);
    compared.map(Some).with_context(|| format!("failed to read {}", path.display()))
}

/// The reports of all runs in a folder, and the paths of reports that cannot be read.
pub(crate) fn read_all(folder: &Path) -> anyhow::Result<(Vec<Report>, Vec<PathBuf>)> {
    let (mut reports, mut unreadable) = (Vec::new(), Vec::new());
    if !folder.exists() {
        return Ok((reports, unreadable));
    }
    let entries = files::list(folder)?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path().join(REPORT);
        // `latest` is a link to one of them.
        if entry.file_type()?.is_symlink() || !path.is_file() {
            continue;
        }
        match read(&path) {
            Ok(report) => reports.push(report),
            Err(_) => unreadable.push(path),
        }
    }
    Ok((reports, unreadable))
}
