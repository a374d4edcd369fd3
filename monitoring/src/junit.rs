//! `junit.xml`: a run as the test suite that it is, a case an objective, for what shows test results.

use quick_junit::{NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus, TestSuite};

use crate::comparison::{self, Comparison};
use crate::gate::Finding;
use crate::judgement::{ObjectiveResult, Problem, Report, Word};
use crate::run::ExitCode;
use crate::slo::Severity;
use crate::table;

/// The file's text.
///
/// # Errors
/// If it cannot be written as XML, for which there is no reason known.
pub fn of_run(report: &Report) -> Result<String, quick_junit::SerializeError> {
    let mut suite = TestSuite::new(format!("perf.{}", report.scenario));
    suite.add_property(("testid", report.testid.as_str()));
    suite.add_property(("target", report.target.as_str()));
    suite.add_property(("load", report.load.as_str()));
    suite.add_property(("revision", report.environment.revision.as_str()));
    let judged = report.objectives.iter().filter(|objective| objective.verdict != Word::NotInScenario);
    suite.add_test_cases(judged.map(|objective| case(&report.scenario, objective)));
    suite.add_test_cases(report.problems.iter().enumerate().map(|(at, it)| problem(&report.scenario, at, it)));
    let mut junit = JUnit::new("perf");
    junit.add_test_suite(suite);
    junit.to_string()
}

/// A comparison's: a case an endpoint, and one for each of the head's objectives.
///
/// # Errors
/// As of a run.
pub fn of_comparison(compared: &Comparison) -> Result<String, quick_junit::SerializeError> {
    let scenario = &compared.scenario;
    let mut suite = TestSuite::new(format!("perf.{scenario}.comparison"));
    suite.add_property(("base", compared.base.as_str()));
    suite.add_property(("head", compared.head.as_str()));
    suite.add_test_cases(compared.endpoints.iter().map(|endpoint| {
        let words = endpoint.finding.words();
        let [before, after, change, interval] = comparison::cells(endpoint);
        let seen = format!("p95 {before} before, {after} after: {change} ({interval})");
        let status = match endpoint.finding {
            Finding::Regressed => failed(NonSuccessKind::Failure, words, Some(&seen)),
            Finding::TooLittleData => failed(NonSuccessKind::Error, words, Some(&seen)),
            Finding::Improved | Finding::NoChangeSeen => TestCaseStatus::success(),
        };
        let mut case = TestCase::new(format!("{} is as fast as before", endpoint.name), status);
        case.set_classname(format!("perf.{scenario}.comparison")).set_system_out(format!("{words}: {seen}"));
        case
    }));
    suite.add_test_cases(compared.objectives.iter().map(|objective| case(scenario, objective)));
    suite.add_test_cases(compared.problems.iter().enumerate().map(|(at, it)| problem(scenario, at, it)));
    let mut junit = JUnit::new("perf");
    junit.add_test_suite(suite);
    junit.to_string()
}

fn case(scenario: &str, objective: &ObjectiveResult) -> TestCase {
    let sentence = table::sentence(objective);
    let status = match (objective.verdict, objective.severity) {
        (Word::Met | Word::NotInScenario, _) => TestCaseStatus::success(),
        // Warnings are told and fail nothing.
        (_, Severity::Warn) => TestCaseStatus::skipped(),
        (Word::Missed, Severity::Error) => failed(NonSuccessKind::Failure, "missed", sentence.as_deref()),
        (Word::Inconclusive, Severity::Error) => failed(NonSuccessKind::Error, "inconclusive", sentence.as_deref()),
    };
    let mut case = TestCase::new(format!("{} {}", objective.subject, objective.promise), status);
    case.set_classname(format!("perf.{scenario}"));
    let seen = table::seen(objective).map(|seen| format!("seen: {seen}; "));
    case.set_system_out(format!("{}{} good of {}", seen.unwrap_or_default(), objective.good, objective.total));
    case
}

fn failed(kind: NonSuccessKind, word: &str, sentence: Option<&str>) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word).set_message(sentence.unwrap_or(word));
    status
}

fn problem(scenario: &str, at: usize, problem: &Problem) -> TestCase {
    let words = ExitCode::from_code(problem.exit_code).map_or("an error", ExitCode::words);
    let status = failed(NonSuccessKind::Error, words, Some(&problem.message));
    let mut case = TestCase::new(format!("problem {}", at + 1), status);
    case.set_classname(format!("perf.{scenario}"));
    case
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objective_is_a_case_and_a_miss_is_a_failure_in_words() {
        let mut report: Report = serde_json::from_str(include_str!("../tests/report.json")).unwrap();
        report.objectives[0].verdict = Word::Missed;
        report.objectives[1].verdict = Word::Inconclusive;
        report.objectives[2].verdict = Word::Missed;
        report.objectives[2].severity = Severity::Warn;
        report.problems.push(Problem::new(ExitCode::Inconclusive, "<a & b>\u{1b}[31m"));
        let text = of_run(&report).unwrap();
        let parsed = JUnit::deserialize_from_str(&text).unwrap();
        let suite = &parsed.test_suites[0];
        assert_eq!((suite.tests, suite.failures, suite.errors), (10, 1, 2), "{text}");
        assert_eq!(text.matches("<skipped").count(), 1, "{text}");
        assert!(text.contains("missed: join_room promised p95 &lt;= 300 ms") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_slower_endpoint_is_a_failure_and_one_of_which_nothing_is_known_an_error() {
        use crate::comparison::{About, Method, Pair};
        let report: Report = serde_json::from_str(include_str!("../tests/report.json")).unwrap();
        let about = About {
            name: "a".to_owned(),
            base: "b".to_owned(),
            head: "c".to_owned(),
            method: Method::Interleaved,
            rule: crate::gate::Rule::default(),
            alpha: 0.05,
        };
        let mut compared = Comparison::of(about, &[Pair { base: &report, head: &report }; 12]);
        compared.endpoints[0].finding = Finding::Regressed;
        compared.endpoints[1].finding = Finding::TooLittleData;
        let parsed = JUnit::deserialize_from_str(&of_comparison(&compared).unwrap()).unwrap();
        let suite = &parsed.test_suites[0];
        assert_eq!((suite.tests, suite.failures, suite.errors), (7, 1, 1));
    }
}
