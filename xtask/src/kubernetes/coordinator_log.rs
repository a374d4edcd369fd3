//! The log of the coordinator's pod: progress for the terminal, and at its end the outcome.

use std::process::Stdio;
use std::time::Duration;

use monitoring::sanitize::one_line;
use perf_report::outcome_log::OutcomeLog;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::ChildStdout;
use tokio::time::{self, Instant};

use super::kubectl::{Kubectl, KubectlError, failure, not_started};
use super::manifests::COORDINATOR;
use super::pods::{Pod, PodState, Terminated};
use crate::host::clock;

/// Pause before a log is read again.
const PAUSE: Duration = Duration::from_secs(1);
/// Time without the API server after which the log is given up.
const PATIENCE: Duration = Duration::from_secs(2 * 60);
/// The beginnings of lines of Rust's test harness, which runs the scenario.
const HARNESS: [&str; 3] = ["running 1 test", "test ", "failures:"];

/// A pod's log that is being read.
pub(super) struct CoordinatorLog {
    kubectl: Kubectl,
    pod: String,
    /// The scenario's test, which the harness names.
    test: String,
    /// Lines that were read. A log is read from its beginning each time. After the node began a new
    /// file of the log, that is the beginning of this file.
    seen: usize,
    /// Whether the present attempt has read a line.
    has_read: bool,
    outcome: OutcomeLog,
}

/// The time in which attempts to read a log have failed.
#[derive(Debug, Default)]
struct Outage {
    since: Option<Instant>,
}

impl Outage {
    /// Takes an attempt that failed. Returns whether attempts have failed for too long. One that
    /// read lines, perhaps for hours, begins a new outage.
    fn is_too_long(&mut self, now: Instant, has_read: bool) -> bool {
        self.since = self.since.filter(|_| !has_read);
        now.duration_since(*self.since.get_or_insert(now)) > PATIENCE
    }
}

/// The log of a pod that has ended.
pub(super) struct EndedLog {
    pub(super) outcome: OutcomeLog,
    /// End of its container; `None` if the pod was removed.
    pub(super) ended: Option<Terminated>,
}

impl CoordinatorLog {
    pub(super) fn new(kubectl: Kubectl, pod: String, test: String) -> Self {
        Self { kubectl, pod, test, seen: 0, has_read: false, outcome: OutcomeLog::default() }
    }

    /// Prints the log until the pod has ended and its log was read whole. If a connection breaks,
    /// the log is read again.
    ///
    /// # Errors
    /// If the API server or the pod's node is not reached for two minutes.
    pub(super) async fn follow(mut self) -> Result<EndedLog, KubectlError> {
        let mut outage = Outage::default();
        loop {
            self.has_read = false;
            // The state is read first: a log of a pod that has ended is complete.
            let read = match self.state().await {
                Ok(Some(state)) => self.read().await.map(|()| state),
                // It was removed, and its log with it.
                Ok(None) => return Ok(EndedLog { outcome: self.outcome, ended: None }),
                Err(error) => Err(error),
            };
            match read {
                Ok(PodState::Ended(ended)) => return Ok(EndedLog { outcome: self.outcome, ended: Some(ended) }),
                Ok(_) => outage = Outage::default(),
                Err(error) if outage.is_too_long(clock::instant(), self.has_read) => return Err(error),
                Err(_) => {}
            }
            time::sleep(PAUSE).await;
        }
    }

    /// The state of the pod; `None` if it was removed.
    async fn state(&self) -> Result<Option<PodState>, KubectlError> {
        match self.kubectl.get::<Pod>("pod", &self.pod).await {
            Ok(pod) => Ok(Some(pod.state())),
            Err(KubectlError::NotFound(..)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads the log to the end of the stream.
    async fn read(&mut self) -> Result<(), KubectlError> {
        let args = ["logs", "--follow", &self.pod, "--container", COORDINATOR];
        let mut command = self.kubectl.command(&args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(not_started)?;
        let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else { return Ok(()) };
        let mut printed = Vec::new();
        let errors = async { Ok(stderr.read_to_end(&mut printed).await?) };
        tokio::try_join!(self.read_lines(stdout), errors)?;
        match child.wait().await?.success() {
            true => Ok(()),
            false => Err(failure(&["logs", &self.pod], &printed)),
        }
    }

    async fn read_lines(&mut self, stdout: ChildStdout) -> Result<(), KubectlError> {
        let mut lines = BufReader::new(stdout).split(b'\n');
        let mut count = 0;
        while let Some(line) = lines.next_segment().await? {
            count += 1;
            self.has_read = true;
            let is_new = count > self.seen;
            self.seen = self.seen.max(count);
            self.take(&String::from_utf8_lossy(&line), is_new);
        }
        Ok(())
    }

    /// Takes a line. Lines of the outcome may come twice, and others are printed once.
    fn take(&mut self, line: &str, is_new: bool) {
        let is_of_harness = line.trim() == self.test || HARNESS.iter().any(|start| line.starts_with(start));
        let is_shown = is_new && !line.trim().is_empty() && !is_of_harness;
        if !self.outcome.take(line) && is_shown {
            eprintln!("{}", one_line(line));
        }
    }
}

#[cfg(test)]
mod tests;
