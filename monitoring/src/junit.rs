//! `junit.xml`: a run as the test suite that it is, a case an objective, for what shows test results.

use quick_junit::{NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus, TestSuite};

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
}
