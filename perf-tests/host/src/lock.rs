//! File locks. The system releases a lock when its process ends, for whatever reason.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Number of attempts. With the pauses they take 3 s, in which an interrupted holder ends.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_millis(100);

/// A file lock, held until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// A lock that was not acquired.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it. The text is the content of the lock file: holder and process id.
    #[error("the lock is held by {0}")]
    Held(String),
    /// Another process holds the lock of a clone. The text is that of `Held`.
    #[error(
        "{0} runs in this clone, and a load test runs alone: wait for it. Several scenarios run one after another with \
         cargo xtask perf SCENARIO SCENARIO, or cargo test --profile dev … -- --ignored --test-threads=1"
    )]
    InUse(String),
    /// The file could not be created, locked or written.
    #[error(
        "failed to lock {}: {error}; {}",
        path.display(),
        "let this user write there, and free space if the disk is full; or name another folder with PERF_FOLDER"
    )]
    Failed {
        /// The lock file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
}

impl Lock {
    /// Locks a clone for a command that makes load or writes reports, like [`Lock::take`]. Two load
    /// tests at once would measure each other, and would use each other's stack. `folder` is the
    /// clone's folder of state.
    ///
    /// # Errors
    /// If another process makes load in this clone, or the file cannot be locked.
    pub fn take_for_load(folder: &Path, holder: &str) -> Result<Self, LockError> {
        Self::take(&folder.join("command.lock"), holder).map_err(|error| match error {
            LockError::Held(holder) => LockError::InUse(holder),
            error => error,
        })
    }

    /// Locks a file and creates it if necessary. If another process holds the lock, blocks the
    /// thread for up to 3 s. Other processes see the holder as `holder` and its process id.
    ///
    /// # Errors
    /// If another process holds the lock, or the file cannot be locked.
    pub fn take(path: &Path, holder: &str) -> Result<Self, LockError> {
        let failed = |error| LockError::Failed { path: path.to_owned(), error };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let options = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = options.map_err(failed)?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => {
                    let text = format!("{holder}, process {}", std::process::id());
                    file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
                    file.write_all(text.as_bytes()).map_err(failed)?;
                    return Ok(Self { _file: file });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        let mut text = String::new();
        // On Windows, other processes cannot read a locked file.
        let _ = file.read_to_string(&mut text);
        Err(LockError::Held(if text.is_empty() { "an unknown process".to_owned() } else { text }))
    }
}

#[cfg(test)]
mod tests;
