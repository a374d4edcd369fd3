//! One load test at a time: two on one machine would measure each other.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

/// Held while a load test runs; the system lets go of it when the process ends, however it does.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    #[error(
        "another load test runs in this clone ({0}), and two would measure each other: wait for it, or run scenarios one after another \
         (cargo xtask perf one other; cargo test … -- --ignored --test-threads=1)"
    )]
    Taken(String),
    #[error("failed to lock {0}: {1}")]
    Io(String, std::io::Error),
}

impl Lock {
    /// Takes the lock for a scenario, or says who has it.
    pub(crate) fn take(path: &Path, scenario: &str) -> Result<Self, LockError> {
        let failed = |error| LockError::Io(path.display().to_string(), error);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        match patiently(|| file.try_lock()) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(failed)?;
                return Err(LockError::Taken(holder.trim().to_owned()));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let said = format!("{scenario}, process {}\n", std::process::id());
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(said.as_bytes())).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Tries for a moment: a run that was just interrupted is about to end.
fn patiently(mut lock: impl FnMut() -> Result<(), TryLockError>) -> Result<(), TryLockError> {
    const TRIES: u32 = 30;
    const PAUSE: Duration = Duration::from_millis(100);
    for _ in 1..TRIES {
        match lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            result => return result,
        }
    }
    lock()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_the_other_is_named() {
        let path = std::env::temp_dir().join(format!("perf-lock-{}", std::process::id()));
        let held = Lock::take(&path, "basic").unwrap();
        let refused = Lock::take(&path, "endurance").unwrap_err().to_string();
        assert!(refused.contains(&format!("basic, process {}", std::process::id())), "{refused}");
        drop(held);
        drop(Lock::take(&path, "endurance").unwrap());
        std::fs::remove_file(path).unwrap();
    }
}
