//! Tests of `error_budget`.

use super::*;
use crate::judgement::{Goal, Measurement, Percentile};
use crate::verdict::Tally;

#[test]
fn a_budget_is_the_number_of_allowed_bad_requests() {
    let mut report = Report::sample();
    let mut set = |share_ppm, good| {
        let objective = &mut report.objectives[0];
        objective.goal = Goal::Latency(Percentile { share_ppm, threshold_ms: 300.0 });
        let tally = Tally { good, total: 200, ..Tally::default() };
        objective.measured = Some(Measurement::Share { tally });
        let id = objective.id.clone();
        let found = budgets(&report).into_iter().find(|budget| budget.objective.id == id);
        found.map(|it| (it.bad, it.allowed, it.burn_rate, it.days(), it.allowed_per_month(1_000_000)))
    };
    assert_eq!(set(Some(950_000), 190), Some((10, 10.0, 1.0, Some(30.0), 1_500_000.0)));
    assert_eq!(set(Some(950_000), 200).unwrap().3, None);
    assert_eq!(set(None, 200), None, "a report without the share");
}
