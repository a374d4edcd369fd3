//! What a command left that was killed before it could clean up. Everything that goes with a command carries its owner's name: this
//! clone, the command's process and when that was started. What carries the name of an owner that is gone is nobody's any more.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use monitoring::sanitize::sanitize;
use perf_host::proc;

use super::{owner, processes};

/// How long a process may take to end when it is asked to. Nobody waits for its results any more.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was removed, and what could not be.
#[derive(Debug, Default)]
pub(crate) struct Cleanup {
    removed: Vec<String>,
    failed: Vec<anyhow::Error>,
}

impl Cleanup {
    /// Notes that something was to be removed.
    pub(crate) fn note(&mut self, removed: anyhow::Result<()>, what: impl FnOnce() -> String) {
        match removed {
            Ok(()) => self.removed.push(what()),
            Err(error) => self.failed.push(error.context(what())),
        }
    }

    /// Gives what was found, or notes why it is not known.
    pub(crate) fn note_error<T>(&mut self, found: anyhow::Result<T>) -> Option<T> {
        found.map_err(|error| self.failed.push(error)).ok()
    }

    /// Ends all processes whose owner is gone. They can only be found where processes show their environment; elsewhere they end by
    /// themselves, as the pipes do that they were given.
    pub(crate) async fn end_orphans(&mut self) {
        // Each may take a while to end, and its number may be another's by the time that one is asked: found one by one.
        for (pid, name) in proc::pids().into_iter().flatten().filter_map(owner::orphan) {
            self.note(processes::terminate(pid, PATIENCE).await, || format!("process {pid} ({name})"));
        }
    }

    /// Removes outcomes that scenarios left in a folder for somebody who is gone, and drafts of them.
    pub(crate) fn remove_outcomes(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let owner = name.strip_prefix(OUTCOME).and_then(|rest| rest.split_once('.')).map(|(owner, _)| owner);
            if owner.is_some_and(owner::is_gone) {
                self.note(fs::remove_file(entry.path()).context("failed to remove it"), || name.clone());
            }
        }
    }

    /// Prints what was removed. What could not be removed is printed, too, and is no reason not to go on.
    pub(crate) fn print(self) {
        if !self.removed.is_empty() {
            eprintln!("cleaned up after a command that was killed: {}", self.removed.join(", "));
        }
        for error in self.failed {
            eprintln!(
                "warning: what a killed command left could not be cleaned up: {}",
                sanitize(&format!("{error:#}"))
            );
        }
    }
}

const OUTCOME: &str = ".outcome-";
const JSON: &str = ".json";

/// The name of the file in which a scenario leaves its outcome for us.
pub(crate) fn outcome_name() -> String {
    format!("{OUTCOME}{}{JSON}", owner::owner())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::workspace;

    /// The name of an owner that is gone.
    fn gone() -> String {
        let own = owner::owner();
        let within = own.rsplit('-').next().unwrap_or_default();
        format!("{}-{}-1-{within}", workspace::id(), u32::MAX)
    }

    #[test]
    fn only_what_nobody_owns_any_more_is_removed() {
        let folder = workspace::target().join("cleanup-test");
        fs::create_dir_all(&folder).unwrap();
        let gone = format!("{OUTCOME}{}{JSON}", gone());
        let draft = gone.replace(JSON, ".tmp");
        let others = [outcome_name(), format!("{OUTCOME}another-1-1{JSON}"), "report.json".to_owned()];
        for name in others.iter().chain([&gone, &draft]) {
            fs::write(folder.join(name), "").unwrap();
        }
        let mut cleanup = Cleanup::default();
        cleanup.remove_outcomes(&folder);
        cleanup.removed.sort_unstable();
        assert_eq!(cleanup.removed, [gone, draft]);
        assert!(cleanup.failed.is_empty(), "{:?}", cleanup.failed);
        assert!(others.iter().all(|name| folder.join(name).exists()));
        fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn a_process_that_nobody_owns_any_more_is_ended_and_ours_are_not() {
        let sleep = |owner: &str| {
            let mut command = tokio::process::Command::new("sleep");
            command.arg("60").env(owner::VARIABLE, owner).kill_on_drop(true).spawn().unwrap()
        };
        let (mut orphan, mut other, mut own) = (sleep(&gone()), sleep("another-1-1"), sleep(&owner::owner()));
        let pid = orphan.id().unwrap();
        // Its environment is that of whoever started it until it has become what it is to be.
        while owner::orphan(pid).is_none_or(|(_, name)| name != "sleep") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut cleanup = Cleanup::default();
        cleanup.end_orphans().await;
        assert!(cleanup.removed.iter().any(|word| word.contains(&pid.to_string())), "{cleanup:?}");
        assert!(!orphan.wait().await.unwrap().success());
        assert_eq!((other.try_wait().unwrap(), own.try_wait().unwrap()), (None, None));
    }
}
