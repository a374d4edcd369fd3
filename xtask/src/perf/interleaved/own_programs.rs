//! Private copies of the programs that a comparison runs, and the lock of comparisons.
//!
//! A second comparison would remove the first one's checkouts. A build in another terminal would
//! change one side halfway.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use perf_host::{Lock, LockError};

use crate::host::files;
use crate::host::workspace;
use crate::perf::perf_error::PerfError;
use crate::scenarios::BuiltPrograms;

/// The folder of a comparison's programs, and its lock.
#[derive(Debug)]
pub(super) struct OwnPrograms {
    folder: PathBuf,
    _lock: Lock,
}

impl OwnPrograms {
    /// Takes the lock. Fails if another comparison of this clone runs.
    pub(super) fn lock() -> Result<Self, PerfError> {
        let folder = workspace::state_folder().join("against").join("programs");
        let lock = Lock::take(&folder.with_file_name("lock"), "cargo xtask perf").map_err(|error| match error {
            LockError::Held(holder) => PerfError::OtherComparison(holder),
            error => error.into(),
        })?;
        files::make_folder(&folder)?;
        Ok(Self { folder, _lock: lock })
    }

    /// Copies the built programs, so that later builds do not change them.
    pub(super) fn copy(&self, built: &BuiltPrograms) -> anyhow::Result<BuiltPrograms> {
        let copy = |program: &Path| -> anyhow::Result<PathBuf> {
            let name = program.file_name().with_context(|| format!("{} has no file name", program.display()))?;
            let copied = self.folder.join(name);
            // A process that is about to end may still run the old file, so it is not overwritten.
            files::remove_file(&copied)?;
            fs::copy(program, &copied).with_context(|| format!("failed to copy {}", program.display()))?;
            Ok(copied)
        };
        Ok(BuiltPrograms { generator: copy(&built.generator)?, stub: built.stub.as_deref().map(copy).transpose()? })
    }
}

impl Drop for OwnPrograms {
    fn drop(&mut self) {
        // On failure, some megabytes stay until the next comparison replaces them.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
