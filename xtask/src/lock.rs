//! One command that makes load at a time in a clone: two would measure each other, and each would take the other's stack for its own.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time;

use crate::workspace;

/// How long one that was just interrupted may take to be gone.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_millis(100);

/// Held while the command runs; the system lets go of it when the process ends, however it does.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Takes the lock, or says who has it.
pub(crate) async fn take() -> anyhow::Result<Result<Lock, String>> {
    take_at(&workspace::perf().join("command.lock")).await
}

async fn take_at(path: &Path) -> anyhow::Result<Result<Lock, String>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
    }
    let failed = || format!("failed to lock {}", path.display());
    let options = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let mut file = options.with_context(failed)?;
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                file.write_all(std::process::id().to_string().as_bytes()).with_context(failed)?;
                return Ok(Ok(Lock { _file: file }));
            }
            Err(TryLockError::WouldBlock) => time::sleep(PAUSE).await,
            Err(TryLockError::Error(error)) => return Err(error).with_context(failed),
        }
    }
    let mut holder = String::new();
    // Windows does not let others read what is locked.
    let _ = file.read_to_string(&mut holder);
    Ok(Err(format!(
        "another load test runs in this clone (cargo xtask, process {}), and two would measure each other: wait for it",
        if holder.is_empty() { "not known" } else { &holder }
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    // In real time: a process that another test starts holds the file, too, until it is another program.
    #[tokio::test]
    async fn one_at_a_time_and_the_other_is_named() {
        let path = workspace::target().join(format!("command-lock-{}", std::process::id()));
        let held = take_at(&path).await.unwrap().unwrap();
        let refused = take_at(&path).await.unwrap().unwrap_err();
        assert!(cfg!(windows) || refused.contains(&format!("process {})", std::process::id())), "{refused}");
        drop(held);
        drop(take_at(&path).await.unwrap().unwrap());
        fs::remove_file(path).unwrap();
    }
}
