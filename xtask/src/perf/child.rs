//! The process of a scenario: settings, signals, exit, and the outcome that it wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use perf_report::Report;
use perf_report::evidence::Evidence;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::outcome::Outcome;
use perf_settings::{AGENT_JOIN, OutcomePlace, SETTINGS_JSON, Settings};
use tokio::process::Command;
use tokio::sync::watch;

use super::perf_error::{PerfError, configuration};
use crate::host::{cleanup, files, owner, processes, workspace};
use crate::runs::reports;
use crate::scenarios::ScenarioTest;

/// The outcome of a scenario's process that did what it was started for.
pub(super) enum ChildOutcome {
    Measured(Box<MeasuredRun>),
    /// The drawing of the plan, and the longest time of the load: it was a dry run.
    Drawing(String, Duration),
    /// It was a shard: its exit code, and what it made.
    Sharded {
        code: ExitCode,
        made: String,
    },
}

impl ChildOutcome {
    /// The outcome that a scenario wrote. `measured` reads the run, by the path of its evidence.
    ///
    /// # Errors
    /// If the scenario gave a reason why it has no evidence, or the evidence cannot be read.
    pub(super) fn new(
        outcome: Outcome,
        measured: impl FnOnce(&Path) -> Result<MeasuredRun, PerfError>,
    ) -> Result<Self, PerfError> {
        match outcome {
            Outcome::Evidence(path) => Ok(Self::Measured(Box::new(measured(&path)?))),
            Outcome::Drawing(drawing, longest) => Ok(Self::Drawing(drawing, longest)),
            Outcome::Shard { code, made } => Ok(Self::Sharded { code, made }),
            Outcome::Failed { code, message } => Err(PerfError::Scenario { code, message }),
        }
    }

    /// The run, if load was made and is to be judged here.
    pub(super) fn into_measured(self) -> Option<Box<MeasuredRun>> {
        match self {
            Self::Measured(run) => Some(run),
            Self::Drawing(..) | Self::Sharded { .. } => None,
        }
    }
}

/// A run with evidence.
pub(super) struct MeasuredRun {
    /// The run's folder.
    pub(super) folder: PathBuf,
    evidence: Evidence,
    /// Describes how the test failed, if it did.
    test_failure: Option<String>,
}

impl MeasuredRun {
    /// Judges the run. Gives a problem if every objective was met, but then the test failed.
    pub(super) fn judge(self) -> Result<(Report, Option<Finding>), PerfError> {
        let report = reports::judge_evidence(self.evidence).map_err(configuration)?;
        let problem = self.test_failure.and_then(|failure| test_problem(report.exit_code, failure));
        Ok((report, problem))
    }
}

/// The problem that a test failed. `None` if the run's own exit code explains it.
fn test_problem(own: ExitCode, failure: String) -> Option<Finding> {
    let code = ExitCode::BadConfiguration;
    let problem = || Finding::problem(code, Subject::Scenario, FindingKind::TestFailed, failure);
    (own == ExitCode::Met).then(problem)
}

/// Runs a scenario's process to its end, and reads its outcome.
///
/// If the future is dropped, the process is killed.
///
/// # Errors
/// If the process cannot be run, or wrote no outcome, or no outcome that can be read, or the reason
/// why it has no evidence.
pub(super) async fn run(
    program: &Path,
    scenario: &ScenarioTest,
    settings: Settings,
    signals: watch::Receiver<u32>,
) -> Result<ChildOutcome, PerfError> {
    let folder = workspace::perf();
    files::make_folder(&folder)?;
    let outcome_file = folder.join(cleanup::outcome_name());
    files::remove_file(&outcome_file)?;
    let settings = Settings { outcome: Some(OutcomePlace::File(outcome_file.clone())), ..settings };
    let ended = run_process(program, &scenario.test, &settings, signals).await?;
    read(scenario, &outcome_file, ended)
}

/// Runs the process to its end. Passes on the first signal, so that measurements are still pushed
/// and judged. Kills the process at the second.
async fn run_process(
    program: &Path,
    test: &str,
    settings: &Settings,
    mut signals: watch::Receiver<u32>,
) -> anyhow::Result<ExitStatus> {
    let mut command = command(program, test, settings)?;
    let mut child = command.spawn().with_context(|| format!("failed to start {}", program.display()))?;
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

fn command(program: &Path, test: &str, settings: &Settings) -> anyhow::Result<Command> {
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
    Ok(command)
}

fn read(scenario: &ScenarioTest, outcome_file: &Path, ended: ExitStatus) -> Result<ChildOutcome, PerfError> {
    let Ok(text) = fs::read_to_string(outcome_file) else {
        return Err(PerfError::Crashed(format!(
            "the process of scenario {} ended with {ended} before it wrote a result: see its output above. SIGKILL often \
             means too little memory",
            scenario.name
        )));
    };
    files::remove_file(outcome_file)?;
    let outcome = serde_json::from_str(&text).context("failed to read a scenario's outcome")?;
    let failure = |after: &str| (!ended.success()).then(|| describe_failure(after, &scenario.test, &ended.to_string()));
    let outcome = ChildOutcome::new(outcome, |path| measured(scenario, path, failure(AFTER_MET)))?;
    match (&outcome, failure("the plan was drawn")) {
        (ChildOutcome::Drawing(..), Some(failure)) => Err(configuration(failure)),
        _ => Ok(outcome),
    }
}

/// When a test failed whose failure decides the exit code.
pub(super) const AFTER_MET: &str = "every objective was met";

/// Describes a test that failed after something else had succeeded. `how` is how its process ended.
pub(super) fn describe_failure(after: &str, test: &str, how: &str) -> String {
    format!("{after}, but then the test {test} failed ({how})")
}

/// Reads a run's evidence. `test_failure` describes how the test failed, if it did.
pub(super) fn measured(
    scenario: &ScenarioTest,
    path: &Path,
    test_failure: Option<String>,
) -> Result<MeasuredRun, PerfError> {
    let evidence = reports::read_evidence(path)?;
    if evidence.run.scenario != scenario.name {
        let (file, name) = (&scenario.name, &evidence.run.scenario);
        return Err(configuration(format!(
            "perf-tests/tests/load/{file}.rs has the scenario {name:?}: rename it to {file:?}"
        )));
    }
    let folder = path.with_file_name("");
    Ok(MeasuredRun { folder, evidence, test_failure })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]
    fn finished(name: &str, outcome: Option<Outcome>, status: i32) -> Result<ExitCode, ExitCode> {
        let file = workspace::target().join(format!("finish-test-{name}.json"));
        if let Some(outcome) = outcome {
            fs::write(&file, serde_json::to_string(&outcome).unwrap()).unwrap();
        }
        let scenario = ScenarioTest { name: "basic".to_owned(), test: "basic::basic".to_owned() };
        let result = read(&scenario, &file, ExitStatus::from_raw(status << 8));
        assert!(!file.exists());
        match result {
            Ok(ChildOutcome::Drawing(..)) => Ok(ExitCode::Met),
            Ok(ChildOutcome::Sharded { code, .. }) => Ok(code),
            Ok(ChildOutcome::Measured(_)) => panic!("the outcome has no evidence"),
            Err(error) => Err(error.code()),
        }
    }

    #[test]
    fn a_test_that_fails_after_a_met_run_is_a_configuration_error() {
        let drawing = || Some(Outcome::Drawing(String::new(), Duration::ZERO));
        assert_eq!(finished("met", drawing(), 0), Ok(ExitCode::Met));
        assert_eq!(finished("own", drawing(), 101), Err(ExitCode::BadConfiguration));
        assert_eq!(finished("none", None, 0), Err(ExitCode::Internal));
        let failed = Outcome::Failed { code: ExitCode::Inconclusive, message: String::new() };
        assert_eq!(finished("failed", Some(failed), 101), Err(ExitCode::Inconclusive));
        let code = |own| test_problem(own, String::new()).map(|problem| problem.exit_code);
        assert_eq!(code(ExitCode::Met), Some(Some(ExitCode::BadConfiguration)));
        assert_eq!(code(ExitCode::Missed), None);
    }
}
