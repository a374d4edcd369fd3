//! Files that are written whole or not at all.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::proc;

/// A file or folder that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write {}: {error}{}", path.display(), describe_space(.path, .error))]
pub struct WriteError {
    path: PathBuf,
    error: io::Error,
}

impl WriteError {
    /// Names the file or folder of an error.
    pub fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |error| Self { path: path.to_owned(), error }
    }
}

/// Remedy for a full disk.
fn describe_space(path: &Path, error: &io::Error) -> String {
    let free = path.parent().and_then(proc::free_space).filter(|_| error.kind() == io::ErrorKind::StorageFull);
    free.map_or_else(String::new, |bytes| format!("; {} KiB are free: make room on that disk", bytes >> 10))
}

/// A run's folder has files of another run.
#[derive(Debug, thiserror::Error)]
#[error("{} already exists: testid {testid:?} is in use, choose another {setting}", folder.display())]
pub struct TestidInUse {
    folder: PathBuf,
    testid: String,
    setting: String,
}

/// The folder of a run in the folder `out`. `setting` is the name by which the user knows the
/// setting of the testid.
///
/// # Errors
/// If it has one of these files, which are of another run.
pub fn run_folder(out: &Path, testid: &str, files: &[&str], setting: &str) -> Result<PathBuf, TestidInUse> {
    let folder = out.join(testid);
    match files.iter().any(|name| folder.join(name).exists()) {
        true => Err(TestidInUse { folder, testid: testid.to_owned(), setting: setting.to_owned() }),
        false => Ok(folder),
    }
}

/// Reads everything. `None` if it is longer than `limit` bytes.
pub fn read_at_most(limit: usize, from: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= limit).then_some(bytes))
}

/// Name of the link to the last run's folder.
pub const LATEST: &str = "latest";

/// Points the link beside a run's folder to it.
///
/// # Errors
/// If the link cannot be written. The former one stays.
pub fn point_latest_to(folder: &Path) -> Result<(), WriteError> {
    match (folder.parent(), folder.file_name()) {
        (Some(out), Some(name)) => set_link(&out.join(LATEST), Path::new(name)),
        _ => Ok(()),
    }
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

/// Writes files in this order, and replaces existing ones. Each is whole or absent, even if the
/// process is killed. It is written as a draft, whose name ends in `.tmp`, and renamed at the end.
///
/// ```
/// # fn write(folder: &std::path::Path) -> Result<(), perf_host::files::WriteError> {
/// let summary = (folder.join("summary.md"), "met".to_owned());
/// // The last file exists only if all others do.
/// perf_host::files::write_whole([summary, (folder.join("report.json"), "{}".to_owned())])
/// # }
/// ```
///
/// # Errors
/// If a file cannot be written. The files before it are written, and those after it are not.
pub fn write_whole(files: impl IntoIterator<Item = (PathBuf, String)>) -> Result<(), WriteError> {
    for (path, text) in files {
        let mut draft = path.clone().into_os_string();
        draft.push(".tmp");
        fs::write(&draft, text).and_then(|()| fs::rename(&draft, &path)).map_err(WriteError::at(&path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
