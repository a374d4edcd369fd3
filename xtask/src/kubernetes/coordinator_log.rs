//! The log of the coordinator's pod: progress for the terminal, and at its end the outcome.

use std::process::Stdio;
use std::time::Duration;

use monitoring::sanitize::one_line;
use perf_report::outcome_log::OutcomeLog;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::ChildStdout;
use tokio::time;

use super::kubectl::{Kubectl, KubectlError, failure, not_started};
use super::manifests::COORDINATOR;
use super::pods::{PodState, Terminated, parse_pod};
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
    outcome: OutcomeLog,
}

/// The log of a pod that has ended.
pub(super) struct EndedLog {
    pub(super) outcome: OutcomeLog,
    /// How its container ended; `None` if the pod was removed.
    pub(super) ended: Option<Terminated>,
}

impl CoordinatorLog {
    pub(super) fn new(kubectl: Kubectl, pod: String, test: String) -> Self {
        Self { kubectl, pod, test, seen: 0, outcome: OutcomeLog::default() }
    }

    /// Prints the log until the pod has ended and its log was read whole. If a connection breaks,
    /// the log is read again.
    ///
    /// # Errors
    /// If the API server or the pod's node is not reached for two minutes.
    pub(super) async fn follow(mut self) -> Result<EndedLog, KubectlError> {
        let mut reached = clock::instant();
        loop {
            // The state is read first: a log of a pod that has ended is complete.
            let read = match self.state().await {
                Ok(Some(state)) => self.read().await.map(|()| state),
                // It was removed, and its log with it.
                Ok(None) => return Ok(EndedLog { outcome: self.outcome, ended: None }),
                Err(error) => Err(error),
            };
            match read {
                Ok(PodState::Ended(ended)) => return Ok(EndedLog { outcome: self.outcome, ended: Some(ended) }),
                Ok(_) => reached = clock::instant(),
                Err(error) if reached.elapsed() > PATIENCE => return Err(error),
                Err(_) => {}
            }
            time::sleep(PAUSE).await;
        }
    }

    /// The state of the pod; `None` if it was removed.
    async fn state(&self) -> Result<Option<PodState>, KubectlError> {
        match self.kubectl.run(&["get", "pod", &self.pod, "--output=json"]).await {
            Ok(json) => Ok(Some(parse_pod(&json).map_err(std::io::Error::from)?.state())),
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
