//! A scenario as a process: its settings, its signals, its end.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::Context as _;
use perf_settings::{SETTINGS_JSON, Settings};
use tokio::process::Command;
use tokio::sync::watch;

use crate::host::{owner, processes};

/// A scenario's process, before it runs.
#[derive(Debug)]
pub(super) struct Child {
    program: PathBuf,
    command: Command,
}

impl Child {
    pub(super) fn new(program: &Path, test: &str, settings: &Settings) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        // The test harness' own lines go to standard output and would only be noise around the scenario's.
        command.args(["--ignored", "--exact", "--nocapture", test]).stdout(Stdio::null());
        // It takes the end of this pipe for a signal, so that load does not go on without us, however we end.
        command.stdin(Stdio::piped());
        command.kill_on_drop(true);
        // A Ctrl-C reaches us alone, and is passed on once.
        owner::attach(&mut command);
        // Settings hold secrets. Other users of the machine can read a command line, and not an environment.
        command.env(SETTINGS_JSON, serde_json::to_string(settings).context("failed to write settings")?);
        Ok(Self { program: program.to_owned(), command })
    }

    /// Runs it to its end. The first signal is passed on, so that what was measured is still
    /// pushed and judged; the second ends it.
    pub(super) async fn run(mut self, mut signals: watch::Receiver<u32>) -> anyhow::Result<ExitStatus> {
        let mut child = self.command.spawn().with_context(|| format!("failed to start {}", self.program.display()))?;
        let _held_open = child.stdin.take();
        let mut passed_on = 0;
        loop {
            tokio::select! {
                status = child.wait() => return status.context("failed to wait for the scenario"),
                _ = signals.wait_for(|count| *count > passed_on) => {
                    passed_on += 1;
                    if passed_on == 1 {
                        processes::interrupt(&child)?;
                    } else {
                        child.kill().await.context("failed to end the scenario")?;
                    }
                }
            }
        }
    }
}
