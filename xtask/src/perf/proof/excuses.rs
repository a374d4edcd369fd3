//! Objectives without data: their queries may be empty. All others must have data.

use std::time::Duration;

use dashboards::queries::Question;
use monitoring::prometheus::recording_rules::Timing;
use perf_report::Report;

/// Whether a query is about an objective for which the report has data. A rule on a value a
/// second needs a whole window, and then a step of the query.
pub(super) fn must_have_data(question: &Question, report: &Report) -> bool {
    let id = question.objective.as_ref();
    let Some(objective) = report.objectives.iter().find(|objective| Some(&objective.id) == id) else { return false };
    let lasted = u64::try_from(report.ended_unix_ms - report.started_unix_ms).unwrap_or_default();
    let is_too_short = objective.goal.is_per_second() && Duration::from_millis(lasted) < Timing::USUAL.window * 2;
    objective.tally().is_some_and(|tally| tally.total > 0) && !is_too_short
}

#[cfg(test)]
mod tests {
    use dashboards::queries::Place;
    use monitoring::excuse::Excuse;
    use perf_report::verdict::Tally;
    use perf_report::{Goal, Measurement};

    use super::*;

    #[test]
    fn a_query_has_data_if_its_objective_has_some() {
        let mut report = test_support::report();
        let question = |objective: Option<&str>| Question {
            place: Place::Rule(String::new()),
            expr: String::new(),
            instant: false,
            excuse: Some(Excuse::OtherParts),
            objective: objective.map(str::to_owned),
        };
        let id = report.objectives[0].id.clone();
        assert!(must_have_data(&question(Some(&id)), &report));
        assert!(!must_have_data(&question(None), &report) && !must_have_data(&question(Some("other")), &report));
        report.objectives[0].measured = Some(Measurement::Share { tally: Tally::default() });
        assert!(!must_have_data(&question(Some(&id)), &report), "the run has no data for it");
        let tally = Tally { good: 5, total: 5, ..Tally::default() };
        report.objectives[0].measured = Some(Measurement::Throughput { tally, judged_ms: 1_000 });
        report.objectives[0].goal = Goal::Throughput { per_second: 5 };
        for (seconds, expected) in [(119, false), (120, true)] {
            report.ended_unix_ms = report.started_unix_ms + seconds * 1_000;
            assert_eq!(must_have_data(&question(Some(&id)), &report), expected, "{seconds} s");
        }
    }
}
