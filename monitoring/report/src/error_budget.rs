//! Error budgets: of the requests that may be bad, how many were, and for how long a month's would last at that rate.
//!
//! A promise of 95 % lets 5 % of requests be bad. The burn rate is the share that was bad over the share that may be: at 1, a budget of any
//! period lasts just as long as the period (Beyer et al., The Site Reliability Workbook, chapter 5, <https://sre.google/workbook/alerting-on-slos/>).

use monitoring::ratio::Ratio;

use crate::{ObjectiveResult, Report};

/// A month, in days.
pub const MONTH_DAYS: f64 = 30.0;

/// One objective's budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget<'a> {
    /// The objective.
    pub objective: &'a ObjectiveResult,
    /// Requests that were bad.
    pub bad: u64,
    /// The share of requests that may be bad, from 0 to 1.
    pub share_allowed: f64,
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
        day * MONTH_DAYS * self.share_allowed
    }
}

/// The budgets of all objectives that are shares of requests and were judged.
pub fn budgets(report: &Report) -> Vec<Budget<'_>> {
    report.objectives.iter().filter_map(budget).collect()
}

fn budget(objective: &ObjectiveResult) -> Option<Budget<'_>> {
    let tally = objective.tally().filter(|tally| tally.total > 0)?;
    let share_ppm = objective.goal.share_ppm()?;
    let share_allowed = f64::from(Ratio::WHOLE.saturating_sub(share_ppm)) / f64::from(Ratio::WHOLE);
    let bad = tally.total - tally.good.min(tally.total);
    #[expect(clippy::cast_precision_loss, reason = "for eyes; the verdict is from integers")]
    let (all, of_them) = (tally.total as f64, bad as f64);
    let allowed = all * share_allowed;
    let burn_rate = if allowed > 0.0 { of_them / allowed } else { f64::INFINITY };
    Some(Budget { objective, bad, share_allowed, allowed, burn_rate })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Tally;
    use crate::{Goal, Measured, Percentile};

    #[test]
    fn a_budget_is_what_may_be_bad() {
        let mut report = Report::sample();
        let mut set = |share_ppm, good| {
            let objective = &mut report.objectives[0];
            objective.goal = Goal::Latency(Percentile { share_ppm, threshold_ms: 300.0 });
            let tally = Tally { good, total: 200, ..Tally::default() };
            objective.measured = Some(Measured::Share { tally });
            let id = objective.id.clone();
            let found = budgets(&report).into_iter().find(|budget| budget.objective.id == id);
            found.map(|it| (it.bad, it.allowed, it.burn_rate, it.days(), it.of_month(1_000_000)))
        };
        assert_eq!(set(950_000, 190), Some((10, 10.0, 1.0, Some(30.0), 1_500_000.0)));
        assert_eq!(set(950_000, 200).unwrap().3, None);
        assert_eq!(set(0, 200), None, "a report that does not say");
    }
}
