//! Writes the report: whole or not at all, and never over another run's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use perf_report::Report;
use perf_report::evidence::Evidence;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::outcome::Outcome;
use perf_report::render::files;

/// Points to the last run's folder.
const LATEST: &str = "latest";

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("failed to write {0}: {1}")]
    Io(PathBuf, io::Error),
    #[error("failed to write the evidence as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Render(#[from] files::RenderError),
    #[error("{0} is there already: testid {1:?} has been used, choose another")]
    Used(PathBuf, String),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> FileError + '_ {
    |error| FileError::Io(path.to_owned(), error)
}

/// Makes a run's folder, before anything is sent: a folder that cannot be written should not cost a run.
pub(crate) fn prepare_folder(out: &Path, testid: &str) -> Result<PathBuf, FileError> {
    let folder = out.join(testid);
    if [files::REPORT, files::EVIDENCE].iter().any(|name| folder.join(name).exists()) {
        return Err(FileError::Used(folder, testid.to_owned()));
    }
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    Ok(folder)
}

/// Leaves what a run measured: its histograms and, if somebody else reads it, its evidence. Points `latest` to the run.
/// Gives the evidence's path.
pub(crate) fn leave(
    folder: &Path,
    evidence: &mut Evidence,
    histograms: &[u8],
    is_read: bool,
) -> Result<PathBuf, FileError> {
    let log = folder.join(files::HISTOGRAMS);
    fs::write(&log, histograms).map_err(at(&log))?;
    if let (Some(out), Some(name)) = (folder.parent(), folder.file_name())
        && let Err(error) = point(&out.join(LATEST), Path::new(name))
    {
        // A convenience is no reason to lose a report.
        let message = format!("{LATEST} does not point to this run: {error}");
        evidence.findings.push(Finding::warning(Subject::Run, FindingKind::LatestNotUpdated, message));
    }
    let path = folder.join(files::EVIDENCE);
    if is_read {
        replace(&path, &serde_json::to_string(evidence)?)?;
    }
    Ok(path)
}

/// Writes the report and everything that is made from it. Gives the report's path.
pub(crate) fn publish(folder: &Path, report: &Report) -> Result<PathBuf, FileError> {
    for (name, text) in files::run_files(report, None)? {
        replace(&folder.join(name), &text)?;
    }
    Ok(folder.join(files::REPORT))
}

/// Leaves the outcome for the process that started this one.
pub(crate) fn write_outcome(path: &Path, outcome: &Outcome) -> Result<(), FileError> {
    replace(path, &serde_json::to_string(outcome)?)
}

fn replace(path: &Path, text: &str) -> Result<(), FileError> {
    let draft = path.with_extension("tmp");
    fs::write(&draft, text).map_err(at(&draft))?;
    fs::rename(&draft, path).map_err(at(path))
}

#[cfg(unix)]
fn point(link: &Path, to: &Path) -> Result<(), FileError> {
    let draft = link.with_extension(format!("{}", std::process::id()));
    if draft.is_symlink() {
        fs::remove_file(&draft).map_err(at(&draft))?;
    }
    std::os::unix::fs::symlink(to, &draft).map_err(at(&draft))?;
    fs::rename(&draft, link).map_err(at(link))
}

/// Where links want privileges, a file with the folder's name.
#[cfg(not(unix))]
fn point(link: &Path, to: &Path) -> Result<(), FileError> {
    replace(link, &to.display().to_string())
}
