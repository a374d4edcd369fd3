//! The third stage: a scenario's process makes the load and leaves its evidence.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use anyhow::Context as _;
use monitoring::sanitize::sanitize;
use perf_report::evidence::Evidence;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::outcome::Outcome;
use perf_settings::Settings;

use super::args;
use super::child::Child;
use super::perf_error::PerfError;
use super::plan::PerfPlan;
use super::services::Services;
use crate::host::cleanup;
use crate::scenarios::ScenarioTest;
use crate::{files, reports, terminal, workspace};

/// What a scenario's process left.
pub(super) enum Generated {
    /// The run's folder, and what was measured.
    Evidence(PathBuf, Box<Evidence>),
    /// Nothing to judge: why is printed, or it was not asked for.
    Nothing(ExitCode),
}

/// Runs a scenario's process to its end.
pub(super) async fn run(plan: &PerfPlan, services: &Services, scenario: &ScenarioTest) -> Result<Generated, PerfError> {
    let outcome_file = outcome_file()?;
    files::remove_file(&outcome_file)?;
    let settings = settings(plan, services, scenario, &outcome_file);
    let child = Child::new(&plan.generator, &scenario.test, &settings)?;
    let ended = child.run(plan.signals.clone()).await?;
    match read(scenario, &outcome_file, ended) {
        // A second signal leaves no time for an outcome.
        Err(PerfError(..)) if plan.is_interrupted() => Ok(Generated::Nothing(ExitCode::Interrupted)),
        result => result,
    }
}

/// Where a scenario leaves its outcome.
pub(super) fn outcome_file() -> anyhow::Result<PathBuf> {
    let folder = workspace::perf();
    files::make_folder(&folder)?;
    Ok(folder.join(cleanup::outcome_name()))
}

fn settings(plan: &PerfPlan, services: &Services, scenario: &ScenarioTest, outcome_file: &Path) -> Settings {
    let (target, outcome) = (services.target.clone(), Some(outcome_file.to_owned()));
    let mut settings = Settings { target, outcome, ..plan.settings.clone() };
    if let (Some(testid), true) = (&plan.settings.testid, plan.scenarios.len() > 1) {
        // A testid is one run's, and each scenario is a run.
        settings.testid = Some(format!("{testid}-{}", scenario.name));
    }
    if let Some(prometheus) = &services.stack.prometheus {
        settings.remote_write = Some(args::write_url(prometheus));
        settings.prometheus = Some(prometheus.clone());
    }
    settings
}

/// Reads what a scenario left. Prints what it has to say.
fn read(scenario: &ScenarioTest, outcome_file: &Path, ended: ExitStatus) -> Result<Generated, PerfError> {
    let internal = |message| PerfError(ExitCode::Internal, message);
    let Ok(text) = fs::read_to_string(outcome_file) else {
        return Err(internal(format!("scenario {} left no outcome; its process ended with {ended}", scenario.name)));
    };
    fs::remove_file(outcome_file).context("failed to remove a scenario's outcome")?;
    let outcome: Outcome = serde_json::from_str(&text).context("failed to read a scenario's outcome")?;
    if let Some(message) = outcome.message {
        eprintln!("error: {}", sanitize(&message));
    }
    if let Some(drawing) = outcome.drawing {
        terminal::say(&drawing);
    }
    let failed = (outcome.code == ExitCode::Met && !ended.success())
        .then(|| format!("every objective was met, and then the test {} failed by itself ({ended})", scenario.test));
    match outcome.evidence {
        Some(path) => {
            let mut evidence = reports::read_evidence(&path)?;
            if evidence.scenario != scenario.name {
                let (file, name) = (&scenario.name, &evidence.scenario);
                return Err(internal(format!("file {file}.rs holds scenario {name:?}: name it {file:?}")));
            }
            // What was measured before is worth a report all the same.
            let finding =
                |message| Finding::problem(ExitCode::Internal, Subject::Run, FindingKind::TestFailed, message);
            evidence.findings.extend(failed.map(finding));
            Ok(Generated::Evidence(path.with_file_name(""), Box::new(evidence)))
        }
        None => failed.map_or(Ok(Generated::Nothing(outcome.code)), |message| Err(internal(message))),
    }
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
            Ok(Generated::Nothing(code)) => Ok(code),
            Ok(Generated::Evidence(..)) => panic!("there is none"),
            Err(PerfError(code, _)) => Err(code),
        }
    }

    #[test]
    fn a_scenario_that_fails_by_itself_is_not_green() {
        let met = || Some(Outcome::new(ExitCode::Met));
        assert_eq!(finished("met", met(), 0), Ok(ExitCode::Met));
        assert_eq!(finished("own", met(), 101), Err(ExitCode::Internal));
        assert_eq!(finished("none", None, 0), Err(ExitCode::Internal));
        assert_eq!(finished("missed", Some(Outcome::new(ExitCode::Missed)), 101), Ok(ExitCode::Missed));
    }
}
