//! What a scenario's process leaves: its outcome, and its report.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use anyhow::Context as _;
use monitoring::judgement::Report;
use monitoring::plain::plain;
use monitoring::run::{ExitCode, Outcome};

use super::Stop;
use crate::host::cleanup::outcome_name;
use crate::scenarios::Scenario;
use crate::stack::Stack;
use crate::{files, reports, terminal, workspace};

/// Where a scenario leaves its outcome for us.
pub(super) fn outcome_file() -> anyhow::Result<PathBuf> {
    let folder = workspace::perf();
    files::make_folder(&folder)?;
    Ok(folder.join(outcome_name()))
}

/// Prints what a scenario left, and gives its exit code, and its report if it has one.
pub(super) fn finish(
    scenario: &Scenario,
    outcome_file: &Path,
    ended: ExitStatus,
    stack: &Stack,
) -> Result<(ExitCode, Option<(PathBuf, Report)>), Stop> {
    let Ok(text) = fs::read_to_string(outcome_file) else {
        let message = format!("scenario {} left no outcome; its process ended with {ended}", scenario.name);
        return Err(Stop(ExitCode::Internal, message));
    };
    fs::remove_file(outcome_file).context("failed to remove a scenario's outcome")?;
    let outcome: Outcome = serde_json::from_str(&text).context("failed to read a scenario's outcome")?;
    if let Some(message) = outcome.message {
        eprintln!("error: {}", plain(&message));
    }
    if let Some(drawing) = outcome.drawing {
        terminal::say(&drawing);
    }
    let mut left = None;
    if let Some(path) = outcome.report {
        let report = reports::read(&path)?;
        if report.scenario != scenario.name {
            let message = format!("file {0}.rs holds scenario {1:?}: name it {0:?}", scenario.name, report.scenario);
            return Err(Stop(ExitCode::Internal, message));
        }
        terminal::print(&report, &path, stack.grafana.as_ref());
        left = Some((path, report));
    }
    let code = ExitCode::from_code(outcome.code).unwrap_or(ExitCode::Internal);
    if code == ExitCode::Met && !ended.success() {
        let message =
            format!("every objective was met, and then the test {} failed by itself ({ended})", scenario.test);
        return Err(Stop(ExitCode::Internal, message));
    }
    Ok((code, left))
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
        let scenario = Scenario { name: "basic".to_owned(), test: "basic::basic".to_owned() };
        let result = finish(&scenario, &file, ExitStatus::from_raw(status << 8), &Stack::default());
        assert!(!file.exists());
        result.map(|(code, _)| code).map_err(|Stop(code, _)| code)
    }

    #[test]
    fn a_scenario_that_fails_by_itself_is_not_green() {
        let met = || Some(Outcome::default());
        assert_eq!(finished("met", met(), 0), Ok(ExitCode::Met));
        assert_eq!(finished("own", met(), 101), Err(ExitCode::Internal));
        assert_eq!(finished("none", None, 0), Err(ExitCode::Internal));
        let missed = Outcome { code: 99, ..Outcome::default() };
        assert_eq!(finished("missed", Some(missed), 101), Ok(ExitCode::Missed));
    }
}
