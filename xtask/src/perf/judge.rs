//! The fourth stage: judges the evidence of a run. The judgement is pure; only the evidence is read
//! from its file.

use std::path::{Path, PathBuf};

use perf_report::Report;
use perf_report::evidence::Evidence;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};

use super::perf_error::{PerfError, configuration};
use crate::runs::reports;
use crate::scenarios::ScenarioTest;

/// A run with evidence.
pub(crate) struct MeasuredRun {
    /// The run's folder.
    folder: PathBuf,
    evidence: Evidence,
    /// Describes how the test failed, if it did.
    test_failure: Option<String>,
}

impl MeasuredRun {
    /// Reads a run's evidence. `test_failure` describes how the test failed, if it did.
    pub(crate) fn read(scenario: &ScenarioTest, path: &Path, test_failure: Option<String>) -> Result<Self, PerfError> {
        let evidence = reports::read_evidence(path)?;
        if evidence.run.scenario != scenario.name {
            let (file, name) = (&scenario.name, &evidence.run.scenario);
            return Err(configuration(format!(
                "perf-tests/tests/load/{file}.rs has the scenario {name:?}: rename it to {file:?}"
            )));
        }
        Ok(Self { folder: path.with_file_name(""), evidence, test_failure })
    }
}

/// A run that is judged by its objectives.
pub(crate) struct JudgedRun {
    /// The run's folder.
    pub(crate) folder: PathBuf,
    pub(crate) report: Report,
    /// The problem that every objective was met, but then the test failed.
    pub(crate) test_failed: Option<Finding>,
}

/// Judges a run.
///
/// # Errors
/// If this workspace does not have the service, or the service has changed since the run.
pub(crate) fn run(measured: MeasuredRun) -> Result<JudgedRun, PerfError> {
    let MeasuredRun { folder, evidence, test_failure } = measured;
    let report = reports::judge_evidence(evidence).map_err(configuration)?;
    let test_failed = test_failure.and_then(|failure| test_problem(report.exit_code, failure));
    Ok(JudgedRun { folder, report, test_failed })
}

/// The problem that a test failed. `None` if the run's own exit code explains it.
fn test_problem(own: ExitCode, failure: String) -> Option<Finding> {
    let code = ExitCode::BadConfiguration;
    let problem = || Finding::problem(code, Subject::Scenario, FindingKind::TestFailed, failure);
    (own == ExitCode::Met).then(problem)
}

/// When a test failed whose failure decides the exit code.
pub(crate) const AFTER_MET: &str = "every objective was met";

/// Describes a test that failed after something else had succeeded. `how` is how its process ended.
pub(crate) fn describe_failure(after: &str, test: &str, how: &str) -> String {
    format!("{after}, but then the test {test} failed ({how})")
}

#[cfg(test)]
mod tests;
