//! The fourth stage: judges the evidence of a run. The judgement is pure; only the evidence is read
//! from its file.

use std::path::{Path, PathBuf};

use perf_report::Report;
use perf_report::evidence::Evidence;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind};

use super::perf_error::PerfError;
use super::test_end::TestEnd;
use crate::runs::reports;
use crate::scenarios::ScenarioTest;

/// A run with evidence.
pub(crate) struct MeasuredRun {
    folder: PathBuf,
    evidence: Evidence,
    test: String,
    test_end: TestEnd,
}

impl MeasuredRun {
    /// Reads the evidence of a run, whose test ended in this way.
    pub(crate) fn read(scenario: &ScenarioTest, path: &Path, test_end: TestEnd) -> Result<Self, PerfError> {
        let evidence = reports::read_evidence(path)?;
        if evidence.run.scenario != scenario.name {
            return Err(PerfError::Misnamed { file: scenario.name.clone(), name: evidence.run.scenario });
        }
        Ok(Self { folder: path.with_file_name(""), evidence, test: scenario.test.clone(), test_end })
    }
}

pub(crate) struct JudgedRun {
    pub(crate) folder: PathBuf,
    pub(crate) report: Report,
    /// The problem that every objective was met, but then the test failed.
    pub(crate) test_failed: Option<Finding>,
}

pub(crate) fn run(measured: MeasuredRun) -> Result<JudgedRun, PerfError> {
    let MeasuredRun { folder, evidence, test, test_end } = measured;
    let report = reports::judge_evidence(evidence)?;
    let test_failed = test_problem(report.exit_code, &test, test_end);
    Ok(JudgedRun { folder, report, test_failed })
}

/// The problem that a test failed. `None` if the run's own exit code explains it.
fn test_problem(own: ExitCode, test: &str, end: TestEnd) -> Option<Finding> {
    if own != ExitCode::Met {
        return None;
    }
    let failure = end.describe_failure(own.describe(), test)?;
    Some(Finding::mistake(FindingKind::TestFailed, failure))
}

#[cfg(test)]
mod tests;
