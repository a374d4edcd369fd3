//! `junit.xml`: a run as a test suite with a test case for each objective, and for each endpoint
//! that was compared.

use std::collections::BTreeMap;

use monitoring::slo::OnMiss;
use quick_junit::{NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus, TestSuite};

use super::terminal::TerminalStyle;
use crate::Report;
use crate::comparison::{Comparison, ComparisonMethod, Conclusion};
use crate::evidence::FailureCause;
use crate::exit_code::ExitCode;
use crate::finding::{Finding, FindingKind};
use crate::findings::{comparison_findings, describe_measured, finding, lines, run_findings};
use crate::format::counted_part;
use crate::judgement::ObjectiveResult;
use crate::mark::{LoadEnd, Mark};
use crate::verdict::Verdict;

/// Contents of the file for a run, with its comparison if there is one.
///
/// # Errors
/// If the XML cannot be written. No cause is known.
pub fn render_run(report: &Report, compared: Option<&Comparison>) -> Result<String, quick_junit::SerializeError> {
    let mut suite = TestSuite::new(format!("perf.{}", report.run.scenario));
    suite.add_property(("testid", report.run.testid.as_str()));
    suite.add_property(("target", report.run.target.as_str()));
    suite.add_property(("load", report.run.load.as_str()));
    suite.add_property(("revision", report.run.environment.revision().as_str()));
    let judged = report.objectives.iter().filter(|objective| objective.has_row() && report.was_loaded());
    let scenario = &report.run.scenario;
    suite.add_test_cases(judged.map(|objective| {
        let case = case(scenario, objective, report.main_failure(objective));
        if report.load_end() == LoadEnd::Stopped { stopped(case, objective) } else { case }
    }));
    // With --gate absolute, changes fail no run.
    let can_fail_run = report.has(FindingKind::ChangedFromBaseline);
    let cases: Vec<_> = compared.into_iter().flat_map(|it| endpoint_cases(it, can_fail_run)).collect();
    let has_changes = can_fail_run && cases.iter().any(|case| !matches!(case.status, TestCaseStatus::Success { .. }));
    suite.add_test_cases(cases);
    // The cases of changed endpoints say the same.
    let is_new = |it: &Finding| !has_changes || it.kind != FindingKind::ChangedFromBaseline;
    add_findings(&mut suite, scenario, &run_findings(report), is_new);
    render(suite)
}

/// Contents of the file for a comparison: a test case for each endpoint, and for each objective of
/// the head.
///
/// # Errors
/// If the XML cannot be written. No cause is known.
pub fn render_comparison(compared: &Comparison) -> Result<String, quick_junit::SerializeError> {
    let scenario = &compared.scenario;
    let mut suite = TestSuite::new(format!("perf.{scenario}.comparison"));
    suite.add_property(("base", compared.base.as_str()));
    suite.add_property(("head", compared.head.as_str()));
    suite.add_test_cases(endpoint_cases(compared, true));
    suite.add_test_cases(compared.objectives.iter().map(|objective| case(scenario, objective, None)));
    add_findings(&mut suite, scenario, &comparison_findings(compared), |_| true);
    render(suite)
}

fn render(suite: TestSuite) -> Result<String, quick_junit::SerializeError> {
    JUnit::new("perf").add_test_suite(suite).to_string()
}

/// A test case for each endpoint. None fails unless changes can fail the run.
fn endpoint_cases(compared: &Comparison, can_fail_run: bool) -> impl Iterator<Item = TestCase> {
    compared.endpoints.iter().map(move |endpoint| {
        let Mark { word, .. } = endpoint.conclusion.into();
        let text = endpoint.describe_p95();
        let status = match endpoint.conclusion {
            Conclusion::Improved | Conclusion::NoChangeMeasured => TestCaseStatus::success(),
            _ if !can_fail_run => skipped(Some(&format!("{word}: {text}"))),
            Conclusion::Regressed => failed(NonSuccessKind::Failure, word, Some(&text)),
            Conclusion::TooLittleData => failed(NonSuccessKind::Error, word, Some(&text)),
        };
        let mut case = TestCase::new(format!("{} is as fast as before", endpoint.name), status);
        case.set_classname(format!("perf.{}.comparison", compared.scenario)).set_system_out(format!("{word}: {text}"));
        case
    })
}

fn case(scenario: &str, objective: &ObjectiveResult, cause: Option<&FailureCause>) -> TestCase {
    let message = finding(objective, cause).map(|finding| finding.to_string());
    let Mark { word, .. } = objective.into();
    let status = match (&objective.verdict, objective.on_miss) {
        (Verdict::Met | Verdict::NotInScenario | Verdict::NotJudged, _) => TestCaseStatus::success(),
        // Warnings do not fail a test.
        (_, OnMiss::Warn) => skipped(message.as_deref()),
        (Verdict::Missed, OnMiss::Fail) => failed(NonSuccessKind::Failure, word, message.as_deref()),
        (Verdict::Inconclusive(_), OnMiss::Fail) => failed(NonSuccessKind::Error, word, message.as_deref()),
    };
    let mut case = TestCase::new(format!("{} {}", objective.subject, objective.objective), status);
    case.set_classname(format!("perf.{scenario}"));
    let measured = describe_measured(objective).map(|value| format!("measured: {value}"));
    let counts = objective.counted();
    let counts = counts.map(|(tally, noun)| format!("{} good", counted_part(tally.good, tally.total, noun)));
    case.set_system_out(measured.into_iter().chain(counts).collect::<Vec<_>>().join("; "));
    case
}

/// The test case of an objective if a signal stopped the load: it neither passes nor fails.
fn stopped(mut case: TestCase, objective: &ObjectiveResult) -> TestCase {
    case.status = skipped(Some(Mark::for_objective(objective, LoadEnd::Stopped).word));
    case
}

fn skipped(message: Option<&str>) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    if let Some(message) = message {
        status.set_message(message);
    }
    status
}

fn failed(kind: NonSuccessKind, word: &str, message: Option<&str>) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word).set_message(message.unwrap_or(word));
    status
}

/// Adds a test case for each new problem, and all findings as output of the suite.
fn add_findings(suite: &mut TestSuite, scenario: &str, findings: &[Finding], is_new: impl Fn(&Finding) -> bool) {
    let mut numbers = BTreeMap::<_, u32>::new();
    for finding in findings.iter().filter(|finding| finding.is_problem() && is_new(finding)) {
        let number = numbers.entry(finding.kind).or_default();
        *number += 1;
        // CI systems take cases of one name as one case.
        let number = if *number == 1 { String::new() } else { format!(" {number}") };
        let name = finding.kind.describe() + &number;
        suite.add_test_case(problem(scenario, name, finding));
    }
    suite.set_system_out(TerminalStyle::PLAIN.wrap(&lines(findings)));
}

fn problem(scenario: &str, name: String, problem: &Finding) -> TestCase {
    let (severity, kind) = match problem.exit_code {
        // Only a run with a baseline has this problem.
        Some(ExitCode::Regressed) => (NonSuccessKind::Failure, ComparisonMethod::Recorded.describe_regression()),
        code => (NonSuccessKind::Error, code.map_or("problem", |code| code.describe())),
    };
    let text = problem.advice.iter().fold(problem.message.clone(), |text, advice| format!("{text}. {advice}"));
    let status = failed(severity, kind, Some(&text));
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("perf.{scenario}"));
    case
}

#[cfg(test)]
mod tests;
