//! A comparison has the checkouts and the programs that it compares for itself: another one would take them away, and a build in another
//! terminal would change one side half-way.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::scenarios::Built;
use crate::workspace;

/// Held while a comparison runs; the system lets go of it when the process ends, however it does.
#[derive(Debug)]
pub(super) struct Alone {
    folder: PathBuf,
    _lock: File,
}

impl Alone {
    /// Refuses a second comparison of this clone.
    pub(super) fn take() -> anyhow::Result<Self> {
        let folder = workspace::perf().join("against").join("programs");
        fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
        let path = folder.with_file_name("lock");
        let lock = File::create(&path).with_context(|| format!("failed to write {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, _lock: lock }),
            Err(TryLockError::WouldBlock) => bail!("another comparison runs in this clone: wait for it"),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("failed to lock {}", path.display())),
        }
    }

    /// Copies of what was built, which nobody builds anew.
    pub(super) fn keep(&self, built: &Built) -> anyhow::Result<Built> {
        let copy = |program: &Path| -> anyhow::Result<PathBuf> {
            let kept = self.folder.join(program.file_name().context("a program without a name")?);
            // Not over an older one, which a process that is about to end may still run.
            workspace::remove_file(&kept)?;
            fs::copy(program, &kept).with_context(|| format!("failed to copy {}", program.display()))?;
            Ok(kept)
        };
        Ok(Built { load: copy(&built.load)?, backend: built.backend.as_deref().map(copy).transpose()? })
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // Some megabytes that the next comparison would replace.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
