//! A file of `perf-tests/data/` that is read at any place.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The path of a data file. A relative path is in `perf-tests/data/`.
pub(super) fn data_path(path: &Path) -> PathBuf {
    // An absolute path replaces the folder.
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data")).join(path)
}

/// Opens a file. Opening a pipe would wait for its writer, so only a file can be opened.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    File::open(path)
}

/// An open file that is sent in request bodies. Its length is that at its opening.
#[derive(Debug)]
pub(crate) struct DataFile {
    path: PathBuf,
    file: File,
    len: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("file {} cannot be read: {error}", path.display())]
pub(crate) struct DataFileError {
    path: PathBuf,
    error: io::Error,
}

impl DataFile {
    pub(crate) fn open(path: &Path) -> Result<Self, DataFileError> {
        let path = data_path(path);
        let open = |path| {
            let file = open_file(path)?;
            let len = file.metadata()?.len();
            Ok((file, len))
        };
        match open(&path) {
            Ok((file, len)) => Ok(Self { path, file, len }),
            Err(error) => Err(DataFileError { path, error }),
        }
    }

    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// Fills `block` with the bytes from `start` on. The message of an error has the path.
    pub(crate) fn read(&self, block: &mut [u8], start: u64) -> io::Result<()> {
        read_at(&self.file, block, start).map_err(|error| {
            let path = self.path.display();
            io::Error::other(match (error.kind(), self.file.metadata()) {
                (io::ErrorKind::UnexpectedEof, Ok(now)) => format!(
                    "file {path} became shorter while it was sent: it had {} bytes, and has {} now; do not write to it \
                     during a run",
                    self.len,
                    now.len()
                ),
                _ => format!("file {path} cannot be read: {error}"),
            })
        })
    }
}

/// Size and time of change of a file, by which a change is noticed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileVersion {
    pub(super) len: u64,
    modified: Option<SystemTime>,
}

impl FileVersion {
    pub(super) fn read(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { len: metadata.len(), modified: metadata.modified().ok() })
    }

    /// Describes for people how an open file has changed since this version. `None` if it has not.
    pub(super) fn change(&self, file: &File) -> io::Result<Option<String>> {
        let now = Self::read(file)?;
        let change = || match now.len == self.len {
            true => "it was written to".to_owned(),
            false => format!("it had {} bytes, and has {} now", self.len, now.len),
        };
        Ok((now != *self).then(change))
    }
}

#[cfg(unix)]
pub(super) fn read_at(file: &File, block: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, block, start)
}

#[cfg(windows)]
pub(super) fn read_at(file: &File, mut block: &mut [u8], mut start: u64) -> io::Result<()> {
    while !block.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, block, start)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => (block, start) = (&mut block[read..], start + read as u64),
        }
    }
    Ok(())
}
