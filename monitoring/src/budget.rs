//! Error budgets: of the requests that may be bad, how many were, and for how long a month's would last at that rate.
//!
//! A promise of 95 % lets 5 % of requests be bad. The burn rate is the share that was bad over the share that may be: at 1, a budget of any
//! period lasts just as long as the period (Beyer et al., The Site Reliability Workbook, chapter 5, <https://sre.google/workbook/alerting-on-slos/>).

use crate::judgement::{Kind, ObjectiveResult, Report, Word};
use crate::slo::Objective;

/// A month, in days.
pub const MONTH_DAYS: f64 = 30.0;

/// One objective's budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget<'a> {
    /// The objective.
    pub objective: &'a ObjectiveResult,
    /// Requests that were bad.
    pub bad: u64,
    /// Requests that may be bad, of as many as there were.
    pub allowed: f64,
    /// The share of the budget that was used, which is the burn rate as well.
    pub burn_rate: f64,
}

impl Budget<'_> {
    /// In so many days a month's budget is gone, if as many are bad as in this run; none if it never is.
    pub fn days(&self) -> Option<f64> {
        (self.burn_rate > 0.0).then(|| MONTH_DAYS / self.burn_rate)
    }

    /// Bad requests that a month may have, of so many requests a day.
    pub fn of_month(&self, requests_per_day: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "for eyes")]
        let day = requests_per_day as f64;
        day * MONTH_DAYS * share_allowed(self.objective)
    }
}

fn share_allowed(objective: &ObjectiveResult) -> f64 {
    f64::from(Objective::WHOLE.saturating_sub(objective.objective_ppm)) / f64::from(Objective::WHOLE)
}

/// The budgets of all objectives that are shares of requests and were judged.
pub fn of(report: &Report) -> Vec<Budget<'_>> {
    let judged = |objective: &&ObjectiveResult| {
        let is_share = objective.kind != Kind::Backend && objective.objective_ppm > 0;
        is_share && objective.total > 0 && objective.verdict != Word::NotInScenario
    };
    report.objectives.iter().filter(judged).map(budget).collect()
}

fn budget(objective: &ObjectiveResult) -> Budget<'_> {
    let &ObjectiveResult { good, total, .. } = objective;
    let bad = total - good.min(total);
    #[expect(clippy::cast_precision_loss, reason = "for eyes; the verdict is from integers")]
    let (all, of_them) = (total as f64, bad as f64);
    let allowed = all * share_allowed(objective);
    Budget { objective, bad, allowed, burn_rate: if allowed > 0.0 { of_them / allowed } else { f64::INFINITY } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_what_may_be_bad() {
        let mut report: Report = serde_json::from_str(include_str!("../tests/report.json")).unwrap();
        let objective = &mut report.objectives[0];
        (objective.objective_ppm, objective.good, objective.total) = (950_000, 190, 200);
        let budgets = of(&report);
        let budget = budgets.iter().find(|budget| budget.objective.id == report.objectives[0].id).unwrap();
        assert_eq!((budget.bad, budget.allowed, budget.burn_rate, budget.days()), (10, 10.0, 1.0, Some(30.0)));
        assert_eq!(budget.of_month(1_000_000), 1_500_000.0);
        report.objectives[0].good = 200;
        assert_eq!(of(&report)[0].days(), None);
        report.objectives[0].objective_ppm = 0;
        assert!(
            of(&report).iter().all(|budget| budget.objective.id != report.objectives[0].id),
            "a report that does not say"
        );
    }
}
