//! The third stage: the scenario's process makes the load and writes its evidence.

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
use crate::github;
use crate::host::cleanup;
use crate::host::{files, terminal, workspace};
use crate::runs::reports;
use crate::scenarios::ScenarioTest;

/// The output of a scenario's process.
pub(super) enum LoadOutput {
    /// The run's folder, and its evidence.
    Evidence(PathBuf, Box<Evidence>),
    /// Nothing to judge: the reason is printed, or it was a dry run.
    Nothing(ExitCode),
}

/// Runs a scenario's process to its end.
pub(super) async fn run(
    plan: &PerfPlan,
    services: &Services,
    scenario: &ScenarioTest,
) -> Result<LoadOutput, PerfError> {
    let outcome_file = outcome_file()?;
    files::remove_file(&outcome_file)?;
    let settings = settings(plan, services, scenario, &outcome_file);
    let child = Child::new(&plan.generator, &scenario.test, &settings)?;
    let ended = child.run(plan.signals.clone()).await?;
    match read(scenario, &outcome_file, ended) {
        // A second signal kills the process before it writes its outcome.
        Err(PerfError(..)) if plan.is_interrupted() => Ok(LoadOutput::Nothing(ExitCode::Interrupted)),
        result => result,
    }
}

/// The path at which a scenario writes its outcome.
pub(super) fn outcome_file() -> anyhow::Result<PathBuf> {
    let folder = workspace::perf();
    files::make_folder(&folder)?;
    Ok(folder.join(cleanup::outcome_name()))
}

fn settings(plan: &PerfPlan, services: &Services, scenario: &ScenarioTest, outcome_file: &Path) -> Settings {
    let (target, outcome) = (services.target.clone(), Some(outcome_file.to_owned()));
    let mut settings = Settings { target, outcome, ..plan.settings.clone() };
    if let (Some(testid), true) = (&plan.settings.testid, plan.scenarios.len() > 1) {
        // Each scenario is a run, and needs its own testid.
        settings.testid = Some(format!("{testid}-{}", scenario.name));
    }
    if let Some(prometheus) = &services.stack.prometheus {
        settings.remote_write = Some(args::write_url(prometheus));
        settings.prometheus = Some(prometheus.clone());
    }
    settings
}

/// Reads a scenario's outcome and evidence. Prints its message or drawing, if any.
fn read(scenario: &ScenarioTest, outcome_file: &Path, ended: ExitStatus) -> Result<LoadOutput, PerfError> {
    let internal = |message| PerfError(ExitCode::Internal, message);
    let Ok(text) = fs::read_to_string(outcome_file) else {
        return Err(internal(format!(
            "the process of scenario {} ended with {ended} before it wrote a result: see its output above. SIGKILL often \
             means too little memory",
            scenario.name
        )));
    };
    fs::remove_file(outcome_file).context("failed to remove a scenario's outcome")?;
    let outcome: Outcome = serde_json::from_str(&text).context("failed to read a scenario's outcome")?;
    if let Some(message) = outcome.message {
        let message = sanitize(&message);
        terminal::print_error(&message);
        if outcome.evidence.is_none() {
            github::report_stop(outcome.code, &message);
        }
    }
    if let Some(drawing) = outcome.drawing {
        terminal::print_line(&drawing);
    }
    let failed = (outcome.code == ExitCode::Met && !ended.success())
        .then(|| format!("every objective was met, but then the test {} failed ({ended})", scenario.test));
    match outcome.evidence {
        Some(path) => {
            let mut evidence = reports::read_evidence(&path)?;
            if evidence.scenario != scenario.name {
                let (file, name) = (&scenario.name, &evidence.scenario);
                let message =
                    format!("perf-tests/tests/load/{file}.rs has the scenario {name:?}: rename it to {file:?}");
                return Err(PerfError(ExitCode::BadConfiguration, message));
            }
            // The measurements are still worth a report.
            let finding = |message| {
                Finding::problem(ExitCode::BadConfiguration, Subject::Scenario, FindingKind::TestFailed, message)
            };
            evidence.findings.extend(failed.map(finding));
            Ok(LoadOutput::Evidence(path.with_file_name(""), Box::new(evidence)))
        }
        None => failed.map_or(Ok(LoadOutput::Nothing(outcome.code)), |message| {
            Err(PerfError(ExitCode::BadConfiguration, message))
        }),
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
            Ok(LoadOutput::Nothing(code)) => Ok(code),
            Ok(LoadOutput::Evidence(..)) => panic!("the outcome has no evidence"),
            Err(PerfError(code, _)) => Err(code),
        }
    }

    #[test]
    fn a_test_that_fails_after_a_met_run_is_an_internal_error() {
        let met = || Some(Outcome::new(ExitCode::Met));
        assert_eq!(finished("met", met(), 0), Ok(ExitCode::Met));
        assert_eq!(finished("own", met(), 101), Err(ExitCode::BadConfiguration));
        assert_eq!(finished("none", None, 0), Err(ExitCode::Internal));
        assert_eq!(finished("missed", Some(Outcome::new(ExitCode::Missed)), 101), Ok(ExitCode::Missed));
    }
}
