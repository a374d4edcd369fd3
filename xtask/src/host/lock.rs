//! File locks: held while a command runs. The system lets go of one when its process ends, however it does.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time;

use crate::files;

/// How long one that was just interrupted may take to be gone.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_millis(100);

/// A lock that this process holds.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Why a lock is not held.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Another process has it.
    #[error("process {0} has the lock")]
    Held(String),
    /// The file cannot be locked at all.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl Lock {
    /// Takes the lock of a file, which is made if it is not there.
    pub(crate) async fn take(path: &Path) -> Result<Self, LockError> {
        if let Some(folder) = path.parent() {
            files::make_folder(folder)?;
        }
        let failed = || format!("failed to lock {}", path.display());
        let options = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = options.with_context(failed)?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => {
                    file.set_len(0).and_then(|()| file.rewind()).with_context(failed)?;
                    file.write_all(std::process::id().to_string().as_bytes()).with_context(failed)?;
                    return Ok(Self { _file: file });
                }
                Err(TryLockError::WouldBlock) => time::sleep(PAUSE).await,
                Err(TryLockError::Error(error)) => return Err(anyhow::Error::from(error).context(failed()).into()),
            }
        }
        let mut holder = String::new();
        // Windows does not let others read what is locked.
        let _ = file.read_to_string(&mut holder);
        Err(LockError::Held(if holder.is_empty() { "not known".to_owned() } else { holder }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    // In real time: a process that another test starts holds the file, too, until it is another program.
    #[tokio::test]
    async fn one_at_a_time_and_the_other_is_named() {
        let path = workspace::target().join(format!("command-lock-{}", std::process::id()));
        let held = Lock::take(&path).await.unwrap();
        let refused = Lock::take(&path).await.unwrap_err().to_string();
        assert!(cfg!(windows) || refused.contains(&format!("process {}", std::process::id())), "{refused}");
        drop(held);
        drop(Lock::take(&path).await.unwrap());
        files::remove_file(&path).unwrap();
    }
}
