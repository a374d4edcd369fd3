//! The process of a scenario: settings, signals, exit, and the outcome that it wrote.

use std::fs;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use anyhow::{Context as _, anyhow};
use perf_host::signals::Signals;
use perf_report::exit_code::ExitCode;
use perf_report::outcome::{Outcome, PlanSummary};
use perf_settings::{AGENT_JOIN, DryRun, METRICS_TOKEN, OutcomePlace, SETTINGS_JSON, Settings};
use tokio::process::Command;

use super::judge::MeasuredRun;
use super::perf_error::PerfError;
use super::test_end::TestEnd;
use crate::host::{child, cleanup, files, processes, workspace};
use crate::scenarios::ScenarioTest;

/// The outcome of a scenario's process that did what it was started for.
pub(crate) enum ChildOutcome {
    Measured(Box<MeasuredRun>),
    /// It was a dry run.
    Planned(PlanSummary),
    /// It was a shard: its exit code, and what it made.
    Sharded {
        code: ExitCode,
        made: String,
    },
}

impl ChildOutcome {
    /// The outcome that a scenario wrote. `measured` reads the run, by the path of its evidence.
    pub(crate) fn new(
        outcome: Outcome,
        measured: impl FnOnce(&Path) -> Result<MeasuredRun, PerfError>,
    ) -> Result<Self, PerfError> {
        match outcome {
            Outcome::Evidence(path) => Ok(Self::Measured(Box::new(measured(&path)?))),
            Outcome::Plan(summary) => Ok(Self::Planned(summary)),
            Outcome::Shard { code, made } => Ok(Self::Sharded { code, made }),
            Outcome::Failed { code, message } => Err(PerfError::Scenario { code, message }),
        }
    }

    /// The run, if load was made and is to be judged here.
    pub(crate) fn into_measured(self) -> Option<Box<MeasuredRun>> {
        match self {
            Self::Measured(run) => Some(run),
            Self::Planned(..) | Self::Sharded { .. } => None,
        }
    }
}

/// Runs a scenario's process to its end, and reads its outcome.
///
/// If the future is dropped, the process is killed.
pub(crate) async fn run(
    program: &Path,
    scenario: &ScenarioTest,
    settings: Settings,
    signals: Signals,
) -> Result<ChildOutcome, PerfError> {
    let folder = workspace::state_folder();
    files::make_folder(&folder)?;
    let outcome_file = folder.join(cleanup::outcome_name());
    files::remove_file(&outcome_file)?;
    let settings = Settings { outcome: Some(OutcomePlace::File(outcome_file.clone())), ..settings };
    let ended = run_process(program, &scenario.test, &settings, signals).await?;
    read(scenario, &outcome_file, ended)
}

/// Summarizes the plan of a scenario. Its process draws nothing, which would take a minute for very
/// many arrivals.
pub(crate) async fn summarize_plan(
    program: &Path,
    scenario: &ScenarioTest,
    settings: &Settings,
    signals: Signals,
) -> Result<PlanSummary, PerfError> {
    let dry = Settings { dry_run: Some(DryRun::Summarize), ..settings.clone() };
    match run(program, scenario, dry, signals).await? {
        ChildOutcome::Planned(summary) => Ok(summary),
        _ => Err(anyhow!("the process of scenario {} did not summarize its plan", scenario.name).into()),
    }
}

/// Runs the process to its end. Passes on the first signal, so that measurements are still pushed
/// and judged. Kills the process at the second.
async fn run_process(
    program: &Path,
    test: &str,
    settings: &Settings,
    mut signals: Signals,
) -> anyhow::Result<ExitStatus> {
    let mut command = command(program, test, settings)?;
    let mut child = command.spawn().with_context(|| format!("failed to start {}", program.display()))?;
    let _held_open = child.stdin.take();
    let mut passed_on = 0;
    loop {
        tokio::select! {
            status = child.wait() => return status.context("failed to wait for the scenario"),
            () = signals.more_than(passed_on) => {
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

fn command(program: &Path, test: &str, settings: &Settings) -> anyhow::Result<Command> {
    // A Ctrl-C reaches only this process, which passes it on once.
    let mut command = child::attached(program);
    // The test harness prints to standard output. The scenario prints to standard error.
    command.args(["--ignored", "--exact", "--nocapture", test]).stdout(Stdio::null());
    // The scenario treats the end of this pipe as a signal, so that load stops even if this
    // process is killed.
    command.stdin(Stdio::piped());
    // Only the proof reads the target's metrics.
    command.env_remove(AGENT_JOIN).env_remove(METRICS_TOKEN);
    let settings = Settings { metrics_token: None, ..settings.clone() };
    // Settings hold secrets. Other users of the machine can read command lines, but not
    // environments.
    command.env(SETTINGS_JSON, serde_json::to_string(&settings).context("failed to write settings")?);
    Ok(command)
}

fn read(scenario: &ScenarioTest, outcome_file: &Path, ended: ExitStatus) -> Result<ChildOutcome, PerfError> {
    let Ok(text) = fs::read_to_string(outcome_file) else {
        // On a full disk, an empty file can still be created.
        let written = files::write(outcome_file, [b' '; 4096]);
        written.map_err(PerfError::OutcomeNotWritten)?;
        files::remove_file(outcome_file)?;
        let why = if is_killed(ended) { ". SIGKILL often means too little memory" } else { "" };
        return Err(PerfError::Crashed(format!(
            "the process of scenario {} ended with {ended} before it wrote a result: see its output above{why}",
            scenario.name
        )));
    };
    files::remove_file(outcome_file)?;
    let outcome = serde_json::from_str(&text).context("failed to read a scenario's outcome")?;
    let end = TestEnd::from(ended);
    let outcome = ChildOutcome::new(outcome, |path| MeasuredRun::read(scenario, path, end))?;
    match (&outcome, end.describe_failure("the plan was drawn", &scenario.test)) {
        (ChildOutcome::Planned(..), Some(failure)) => Err(PerfError::TestFailed(failure)),
        _ => Ok(outcome),
    }
}

/// Whether a process was ended by SIGKILL, as the kernel does if memory runs out.
#[cfg(unix)]
fn is_killed(ended: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    ended.signal() == Some(9)
}

#[cfg(not(unix))]
const fn is_killed(_: ExitStatus) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests;
