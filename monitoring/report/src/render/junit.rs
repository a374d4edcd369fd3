//! `junit.xml`: a run as the test suite that it is, a case an objective, for what shows test results.

use monitoring::slo::OnMiss;
use quick_junit::{NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus, TestSuite};

use crate::comparison::{Comparison, Conclusion, SidesP95};
use crate::finding::Finding;
use crate::findings::{finding, measured};
use crate::mark::Mark;
use crate::verdict::Verdict;
use crate::{ObjectiveResult, Report};

/// The file's text.
///
/// # Errors
/// If it cannot be written as XML, for which there is no reason known.
pub fn render_run(report: &Report) -> Result<String, quick_junit::SerializeError> {
    let mut suite = TestSuite::new(format!("perf.{}", report.scenario));
    suite.add_property(("testid", report.testid.as_str()));
    suite.add_property(("target", report.target.as_str()));
    suite.add_property(("load", report.load.as_str()));
    suite.add_property(("revision", report.environment.revision.as_str()));
    let judged = report.objectives.iter().filter(|objective| objective.verdict != Verdict::NotInScenario);
    suite.add_test_cases(judged.map(|objective| case(&report.scenario, objective)));
    suite.add_test_cases(report.problems().enumerate().map(|(at, it)| problem(&report.scenario, at, it)));
    let mut junit = JUnit::new("perf");
    junit.add_test_suite(suite);
    junit.to_string()
}

/// A comparison's: a case an endpoint, and one for each of the head's objectives.
///
/// # Errors
/// As of a run.
pub fn render_comparison(compared: &Comparison) -> Result<String, quick_junit::SerializeError> {
    let scenario = &compared.scenario;
    let mut suite = TestSuite::new(format!("perf.{scenario}.comparison"));
    suite.add_property(("base", compared.base.as_str()));
    suite.add_property(("head", compared.head.as_str()));
    suite.add_test_cases(compared.endpoints.iter().map(|endpoint| {
        let Mark { word, .. } = endpoint.conclusion.into();
        let SidesP95 { before, after, change, interval } = SidesP95::new(endpoint);
        let seen = format!("p95 {before} before, {after} after: {change} ({interval})");
        let status = match endpoint.conclusion {
            Conclusion::Regressed => failed(NonSuccessKind::Failure, word, Some(&seen)),
            Conclusion::TooLittleData => failed(NonSuccessKind::Error, word, Some(&seen)),
            Conclusion::Improved | Conclusion::NoChangeSeen => TestCaseStatus::success(),
        };
        let mut case = TestCase::new(format!("{} is as fast as before", endpoint.name), status);
        case.set_classname(format!("perf.{scenario}.comparison")).set_system_out(format!("{word}: {seen}"));
        case
    }));
    suite.add_test_cases(compared.objectives.iter().map(|objective| case(scenario, objective)));
    let problems = compared.findings.iter().filter(|finding| finding.is_problem());
    suite.add_test_cases(problems.enumerate().map(|(at, it)| problem(scenario, at, it)));
    let mut junit = JUnit::new("perf");
    junit.add_test_suite(suite);
    junit.to_string()
}

fn case(scenario: &str, objective: &ObjectiveResult) -> TestCase {
    let sentence = finding(objective).map(|finding| finding.to_string());
    let Mark { word, .. } = objective.into();
    let status = match (&objective.verdict, objective.on_miss) {
        (Verdict::Met | Verdict::NotInScenario, _) => TestCaseStatus::success(),
        // Warnings are told and fail nothing.
        (_, OnMiss::Warn) => TestCaseStatus::skipped(),
        (Verdict::Missed, OnMiss::Fail) => failed(NonSuccessKind::Failure, word, sentence.as_deref()),
        (Verdict::Inconclusive(_), OnMiss::Fail) => failed(NonSuccessKind::Error, word, sentence.as_deref()),
    };
    let mut case = TestCase::new(format!("{} {}", objective.subject, objective.objective), status);
    case.set_classname(format!("perf.{scenario}"));
    let seen = measured(objective).map(|seen| format!("seen: {seen}"));
    let counts = objective.tally().map(|tally| format!("{} good of {}", tally.good, tally.total));
    case.set_system_out(seen.into_iter().chain(counts).collect::<Vec<_>>().join("; "));
    case
}

fn failed(kind: NonSuccessKind, word: &str, sentence: Option<&str>) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word).set_message(sentence.unwrap_or(word));
    status
}

fn problem(scenario: &str, at: usize, problem: &Finding) -> TestCase {
    let words = problem.exit_code.map_or("problem", |code| code.describe());
    let status = failed(NonSuccessKind::Error, words, Some(&problem.message));
    let mut case = TestCase::new(format!("problem {}", at + 1), status);
    case.set_classname(format!("perf.{scenario}"));
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit_code::ExitCode;
    use crate::finding::{FindingKind, Subject};
    use crate::verdict::Reason;

    #[test]
    fn an_objective_is_a_case_and_a_miss_is_a_failure_in_words() {
        let mut report = Report::sample();
        report.objectives[0].verdict = Verdict::Missed;
        report.objectives[1].verdict = Verdict::Inconclusive(Reason::NoData);
        report.objectives[2].verdict = Verdict::Missed;
        report.objectives[2].on_miss = OnMiss::Warn;
        let why = "<a & b>\u{1b}[31m";
        report.findings.push(Finding::problem(ExitCode::Inconclusive, Subject::Run, FindingKind::LoadFailed, why));
        let text = render_run(&report).unwrap();
        let parsed = JUnit::deserialize_from_str(&text).unwrap();
        let suite = &parsed.test_suites[0];
        assert_eq!((suite.tests, suite.failures, suite.errors), (10, 1, 2), "{text}");
        assert_eq!(text.matches("<skipped").count(), 1, "{text}");
        assert!(text.contains("missed: join_room promised p95 &lt;= 300 ms") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_slower_endpoint_is_a_failure_and_one_of_which_nothing_is_known_an_error() {
        let mut compared = Comparison::sample();
        compared.endpoints[0].conclusion = Conclusion::Regressed;
        compared.endpoints[1].conclusion = Conclusion::TooLittleData;
        let parsed = JUnit::deserialize_from_str(&render_comparison(&compared).unwrap()).unwrap();
        let suite = &parsed.test_suites[0];
        assert_eq!((suite.tests, suite.failures, suite.errors), (7, 1, 1));
    }
}
