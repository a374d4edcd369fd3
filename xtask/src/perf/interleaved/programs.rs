//! A comparison has the checkouts and the programs that it compares for itself: another one would take them away, and a build in another
//! terminal would change one side half-way.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use perf_host::{Lock, LockError};

use crate::files;
use crate::perf::{PerfError, configuration};
use crate::scenarios::Built;
use crate::workspace;

/// The folder of programs that a comparison measures, and the lock of it.
#[derive(Debug)]
pub(super) struct OwnPrograms {
    folder: PathBuf,
    _lock: Lock,
}

impl OwnPrograms {
    /// Refuses a second comparison of this clone.
    pub(super) fn lock() -> Result<Self, PerfError> {
        let folder = workspace::perf().join("against").join("programs");
        let lock = Lock::take(&folder.with_file_name("lock"), "cargo xtask perf").map_err(|error| match error {
            LockError::Held(holder) => {
                configuration(format!("another comparison runs in this clone ({holder}): wait for it"))
            }
            LockError::Failed { .. } => configuration(error),
        })?;
        files::make_folder(&folder)?;
        Ok(Self { folder, _lock: lock })
    }

    /// Copies of what was built, which nobody builds anew.
    pub(super) fn copy(&self, built: &Built) -> anyhow::Result<Built> {
        let copy = |program: &Path| -> anyhow::Result<PathBuf> {
            let kept = self.folder.join(program.file_name().context("a program without a name")?);
            // Not over an older one, which a process that is about to end may still run.
            files::remove_file(&kept)?;
            fs::copy(program, &kept).with_context(|| format!("failed to copy {}", program.display()))?;
            Ok(kept)
        };
        Ok(Built { load: copy(&built.load)?, backend: built.backend.as_deref().map(copy).transpose()? })
    }
}

impl Drop for OwnPrograms {
    fn drop(&mut self) {
        // Some megabytes that the next comparison would replace.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
