//! File operations whose errors name the path.

use std::fs::{self, ReadDir};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context as _;
use monitoring::generated_files::GeneratedFile;
use serde::Serialize;

pub(crate) fn read(path: impl AsRef<Path>) -> anyhow::Result<String> {
    let path = path.as_ref();
    fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))
}

pub(crate) fn list(folder: impl AsRef<Path>) -> anyhow::Result<ReadDir> {
    let folder = folder.as_ref();
    fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))
}

/// Writes a file, and replaces an older one.
pub(crate) fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> anyhow::Result<()> {
    let path = path.as_ref();
    fs::write(path, contents).with_context(|| format!("failed to write {}", path.display()))
}

/// Writes generated files to a folder, and creates their folders.
pub(crate) fn write_generated(folder: &Path, files: &[GeneratedFile]) -> anyhow::Result<()> {
    for file in files {
        let path = folder.join(&file.path);
        path.parent().map_or(Ok(()), make_folder)?;
        write(&path, &file.contents)?;
    }
    Ok(())
}

/// Writes a file that only this user may read, and replaces an older one.
pub(crate) fn write_private(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    // An older one would keep its permissions.
    remove_file(path)?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(contents));
    written.with_context(|| format!("failed to write {}", path.display()))
}

/// Writes indented JSON with a newline at its end.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value).with_context(|| format!("failed to write {}", path.display()))?;
    write(path, text + "\n")
}

/// Creates a folder and its missing parents.
pub(crate) fn make_folder(folder: impl AsRef<Path>) -> anyhow::Result<()> {
    let folder = folder.as_ref();
    fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))
}

/// Removes a file, if it exists.
pub(crate) fn remove_file(path: &Path) -> anyhow::Result<()> {
    or_absent(fs::remove_file(path)).with_context(|| format!("failed to remove {}", path.display()))
}

/// Removes a folder and everything in it, if it exists.
pub(crate) fn remove_folder(folder: &Path) -> anyhow::Result<()> {
    or_absent(fs::remove_dir_all(folder)).with_context(|| format!("failed to remove {}", folder.display()))
}

/// Whether an error is that of a disk that is full, or of a file that this user may not write.
pub(crate) fn is_unwritable(error: &anyhow::Error) -> bool {
    use ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let kinds = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    kinds.into_iter().any(|kind| [PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull].contains(&kind))
}

fn or_absent(removed: std::io::Result<()>) -> std::io::Result<()> {
    removed.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
