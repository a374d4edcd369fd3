//! The process of a scenario: settings, signals, and exit.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::Context as _;
use perf_settings::{AGENT_JOIN, SETTINGS_JSON, Settings};
use tokio::process::Command;
use tokio::sync::watch;

use crate::host::{owner, processes};

/// The process of a scenario. It starts in [`Child::run`].
#[derive(Debug)]
pub(super) struct Child {
    program: PathBuf,
    command: Command,
}

impl Child {
    pub(super) fn new(program: &Path, test: &str, settings: &Settings) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        // The test harness prints to standard output. The scenario prints to standard error.
        command.args(["--ignored", "--exact", "--nocapture", test]).stdout(Stdio::null());
        // The scenario treats the end of this pipe as a signal, so that load stops even if this
        // process is killed.
        command.stdin(Stdio::piped());
        command.kill_on_drop(true);
        // A Ctrl-C reaches only this process, which passes it on once.
        owner::attach(&mut command);
        // Settings hold secrets. Other users of the machine can read command lines, but not
        // environments.
        command.env_remove(AGENT_JOIN);
        command.env(SETTINGS_JSON, serde_json::to_string(settings).context("failed to write settings")?);
        Ok(Self { program: program.to_owned(), command })
    }

    /// Runs the process to its end. Passes on the first signal, so that measurements are still
    /// pushed and judged. Kills the process at the second.
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
