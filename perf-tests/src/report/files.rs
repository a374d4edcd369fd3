//! Writes a run's files. Each is written whole or not at all, and never over another run's.

use std::fs;
use std::path::{Path, PathBuf};

use perf_host::files::{WriteError, write_whole};
use perf_report::Report;
use perf_report::evidence::Evidence;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::outcome::Outcome;
use perf_report::render::files;

/// Name of the link to the last run's folder.
const LATEST: &str = "latest";

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("failed to write the evidence as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Render(#[from] files::RenderError),
    #[error("{0} already exists: testid {1:?} is in use, choose another --testid")]
    Used(PathBuf, String),
}

/// Creates a run's folder. This happens before the load, so that a read-only folder costs no run.
///
/// # Errors
/// If the folder cannot be created, or has another run's report or evidence.
pub(crate) fn prepare_folder(out: &Path, testid: &str) -> Result<PathBuf, FileError> {
    let folder = out.join(testid);
    if [files::REPORT, files::EVIDENCE].iter().any(|name| folder.join(name).exists()) {
        return Err(FileError::Used(folder, testid.to_owned()));
    }
    fs::create_dir_all(&folder).map_err(WriteError::at(&folder))?;
    Ok(folder)
}

/// Writes a run's histograms, and points `latest` to the run. Returns a warning if the link cannot
/// be set: it is only a convenience, so the run continues without it.
pub(crate) fn write_histograms(folder: &Path, histograms: &[u8]) -> Result<Option<Finding>, FileError> {
    let log = folder.join(files::HISTOGRAMS);
    fs::write(&log, histograms).map_err(WriteError::at(&log))?;
    let (Some(out), Some(name)) = (folder.parent(), folder.file_name()) else { return Ok(None) };
    Ok(set_link(&out.join(LATEST), Path::new(name)).err().map(|error| {
        let message = format!("{LATEST} does not point to this run: {error}");
        Finding::warning(Subject::Run, FindingKind::LatestNotUpdated, message)
    }))
}

/// Writes a run's evidence for another process. Returns its path.
pub(crate) fn write_evidence(folder: &Path, evidence: &Evidence) -> Result<PathBuf, FileError> {
    let path = folder.join(files::EVIDENCE);
    write_whole([(path.clone(), serde_json::to_string(evidence)?)])?;
    Ok(path)
}

/// Writes the report and all files that are made from it. Returns the report's path.
pub(crate) fn publish(folder: &Path, report: &Report) -> Result<PathBuf, FileError> {
    write_whole(files::run_files(report, None)?.into_iter().map(|(name, text)| (folder.join(name), text)))?;
    Ok(folder.join(files::REPORT))
}

/// Writes the outcome for the process that started this one.
pub(crate) fn write_outcome(path: &Path, outcome: &Outcome) -> Result<(), FileError> {
    Ok(write_whole([(path.to_owned(), serde_json::to_string(outcome)?)])?)
}

#[cfg(unix)]
fn set_link(link: &Path, to: &Path) -> Result<(), WriteError> {
    let draft = link.with_extension(format!("{}", std::process::id()));
    if draft.is_symlink() {
        fs::remove_file(&draft).map_err(WriteError::at(&draft))?;
    }
    std::os::unix::fs::symlink(to, &draft).map_err(WriteError::at(&draft))?;
    fs::rename(&draft, link).map_err(WriteError::at(link))
}

/// Writes a file with the folder's name, because links need privileges on Windows.
#[cfg(not(unix))]
fn set_link(link: &Path, to: &Path) -> Result<(), WriteError> {
    write_whole([(link.to_owned(), to.display().to_string())])
}
