//! The process of the stub backend, which is started for a run without a target and stopped after
//! it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time;
use url::Url;

use crate::host::child;

const START: Duration = Duration::from_secs(10);
const STOP: Duration = Duration::from_secs(5);

/// The first line that the stub backend prints.
#[derive(Deserialize)]
struct FirstLine {
    url: Url,
}

fn read_url(line: &str) -> Option<Url> {
    serde_json::from_str(line).ok().map(|FirstLine { url }| url)
}

#[derive(Debug)]
pub(crate) struct StubBackend {
    child: Child,
    pub(crate) url: Url,
}

impl StubBackend {
    /// Starts the stub backend for a run, with flags for its faults.
    pub(crate) async fn start(program: &Path, seed: u64, faults: &[String]) -> anyhow::Result<Self> {
        let mut command = child::attached(program);
        command.args(["--seed", &seed.to_string()]).args(faults);
        Self::spawn(command).await
    }

    /// Starts the command of a stub backend on a free port, and waits until it prints its URL.
    pub(crate) async fn spawn(mut command: Command) -> anyhow::Result<Self> {
        // The stub backend ends when this pipe closes, so it cannot outlive this process.
        command.args(["--port", "0", "--until-stdin-closes"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let spawned = command.spawn();
        let mut child = spawned.with_context(|| format!("failed to start {:?}", command.as_std().get_program()))?;
        let stdout = child.stdout.take().context("the stub backend has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let first = time::timeout(START, lines.next_line())
            .await
            .with_context(|| format!("the stub backend did not print its URL within {START:?}"))??;
        let first = first.context("the stub backend did not start: it printed nothing")?;
        let url = read_url(&first).with_context(|| format!("the stub backend did not start: {first}"))?;
        Ok(Self { child, url })
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        if time::timeout(STOP, self.child.wait()).await.is_err() {
            self.child.kill().await.context("failed to stop the stub backend")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
