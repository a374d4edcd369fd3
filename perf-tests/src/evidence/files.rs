//! Writes a run's files. Each is written whole or not at all, and never over another run's.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use perf_host::files::{LATEST, TestidInUse, WriteError, point_latest_to, run_folder, write_whole};
use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::outcome::Outcome;
use perf_report::outcome_log::LoggedOutcome;
use perf_report::render::files;
use perf_settings::OutcomePlace;
use serde::Serialize;

#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("failed to write the evidence as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("failed to write the result to the log: {0}")]
    Log(io::Error),
    #[error(transparent)]
    Render(#[from] files::RenderError),
    #[error(transparent)]
    Used(#[from] TestidInUse),
}

impl FileError {
    pub(crate) const fn code(&self) -> ExitCode {
        match self {
            Self::Write(_) | Self::Used(_) => ExitCode::BadConfiguration,
            Self::Json(_) | Self::Log(_) | Self::Render(_) => ExitCode::Internal,
        }
    }
}

/// Creates a run's folder. This happens before the load, so that a read-only folder costs no run.
/// `setting` is the name by which the user knows the setting of the testid.
pub(crate) fn prepare_folder(out: &Path, testid: &str, setting: &str) -> Result<PathBuf, FileError> {
    let folder = run_folder(out, testid, &[files::REPORT, files::EVIDENCE], setting)?;
    fs::create_dir_all(&folder).map_err(WriteError::at(&folder))?;
    Ok(folder)
}

/// Writes a run's histograms, and points `latest` to the run. Returns a warning if the link cannot
/// be set: it is only a convenience, so the run continues without it.
pub(crate) fn write_histograms(folder: &Path, histograms: &[u8]) -> Result<Option<Finding>, FileError> {
    let log = folder.join(files::HISTOGRAMS);
    fs::write(&log, histograms).map_err(WriteError::at(&log))?;
    Ok(point_latest_to(folder).err().map(|error| {
        let message = format!("{LATEST} does not point to this run: {error}");
        Finding::warning(Subject::Run, FindingKind::LatestNotUpdated, message)
    }))
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    Ok(write_whole([(path.to_owned(), serde_json::to_string(value)?)])?)
}

/// Writes the report and all files that are made from it. Returns the report's path.
pub(crate) fn publish(folder: &Path, report: &Report) -> Result<PathBuf, FileError> {
    write_whole(files::run_files(report, None)?.into_iter().map(|(name, text)| (folder.join(name), text)))?;
    Ok(folder.join(files::REPORT))
}

pub(crate) fn write_outcome(place: &OutcomePlace, outcome: Outcome) -> Result<(), FileError> {
    match place {
        OutcomePlace::File(path) => write_json(path, &outcome),
        OutcomePlace::Log => log_outcome(outcome),
    }
}

/// Writes the outcome and the run's files to standard error.
fn log_outcome(outcome: Outcome) -> Result<(), FileError> {
    let folder = if let Outcome::Evidence(path) = &outcome { path.parent() } else { None };
    let mut files = BTreeMap::new();
    for (folder, name) in folder.iter().flat_map(|folder| [(folder, files::EVIDENCE), (folder, files::HISTOGRAMS)]) {
        let path = folder.join(name);
        files.insert(name.to_owned(), fs::read_to_string(&path).map_err(WriteError::at(&path))?);
    }
    let lines = LoggedOutcome { outcome, files }.to_lines().map_err(FileError::Log)?;
    // Not `eprintln`, which panics if the log is closed.
    let mut log = io::stderr().lock();
    lines.iter().try_for_each(|line| writeln!(log, "{line}")).map_err(FileError::Log)
}
