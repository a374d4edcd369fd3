//! Cleans up after commands that were killed.
//!
//! Everything that belongs to a command carries its owner's name: this clone, the command's process
//! and the start time of that process. If the owner has ended, the next command removes it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use perf_host::proc;

use super::terminal::print_note;
use super::{owner, processes};

/// Time limit for a process to end after SIGTERM. It is short, since its results are not used.
const PATIENCE: Duration = Duration::from_secs(2);

/// The removed things, and the errors of those that could not be removed.
#[derive(Debug, Default)]
pub(crate) struct Cleanup {
    removed: Vec<String>,
    failed: Vec<anyhow::Error>,
}

impl Cleanup {
    pub(crate) fn record(&mut self, removed: anyhow::Result<()>, what: impl FnOnce() -> String) {
        match removed {
            Ok(()) => self.removed.push(what()),
            Err(error) => self.failed.push(error.context(what())),
        }
    }

    /// Returns the value, or records the error.
    pub(crate) fn ok_or_record<T>(&mut self, found: anyhow::Result<T>) -> Option<T> {
        found.map_err(|error| self.failed.push(error)).ok()
    }

    /// Ends all processes whose owner is gone.
    ///
    /// They are found by their environment. On systems that do not show it, they end by themselves
    /// when the pipe to their owner closes.
    pub(crate) async fn end_orphans(&mut self) {
        // Checked one by one: while one process ends, the id of the next may go to another process.
        for (pid, name) in proc::pids().into_iter().flatten().filter_map(owner::orphan) {
            self.record(processes::terminate(pid, PATIENCE).await, || format!("process {pid} ({name})"));
        }
    }

    /// Removes the outcome files, and drafts of them, whose owner is gone.
    pub(crate) fn remove_outcomes(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let owner = name.strip_prefix(OUTCOME).and_then(|rest| rest.split_once('.')).map(|(owner, _)| owner);
            if owner.is_some_and(owner::is_gone) {
                let removed = fs::remove_file(entry.path()).context("failed to remove the file");
                self.record(removed, || name.clone());
            }
        }
    }

    /// Prints what was removed, and a warning for each error. The command goes on.
    pub(crate) fn print(self) {
        if !self.removed.is_empty() {
            print_note(&format!("cleaned up after a command that was killed: {}", self.removed.join(", ")));
        }
        for error in self.failed {
            print_note(&format!("warning: cannot clean up after a killed command: {error:#}"));
        }
    }
}

const OUTCOME: &str = ".outcome-";
const JSON: &str = ".json";

/// The name of the file in which a scenario writes its outcome for this command.
pub(crate) fn outcome_name() -> String {
    format!("{OUTCOME}{}{JSON}", owner::this_command())
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
