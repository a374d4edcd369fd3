//! Error budgets: the share of the allowed bad requests that a run used, and how long a month's
//! budget would last at that rate.
//!
//! An objective of 95 % allows 5 % of requests to be bad. The burn rate is the share of bad
//! requests divided by the allowed share. At a burn rate of 1, the budget of any period lasts
//! exactly that period. (Beyer et al., The Site Reliability Workbook, chapter 5,
//! <https://sre.google/workbook/alerting-on-slos/>)

use monitoring::ratio::Ratio;

use crate::Report;
use crate::judgement::ObjectiveResult;

pub(crate) const MONTH_DAYS: f64 = 30.0;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Budget<'a> {
    /// Objective that allows these bad requests.
    pub(crate) objective: &'a ObjectiveResult,
    /// Requests that the objective counts as bad: slow ones and failed ones.
    pub(crate) bad: u64,
    /// Share of requests that may be bad, from 0 to 1.
    pub(crate) share_allowed: f64,
    /// Number of requests that may be bad, of the requests in this run.
    pub(crate) allowed: f64,
    /// Share of the budget that was used. It equals the burn rate. Infinite if the objective allows
    /// no bad request.
    pub(crate) burn_rate: f64,
}

impl Budget<'_> {
    /// Days until a month's budget is used up at this burn rate. `None` without a bad request.
    pub(crate) fn days(&self) -> Option<f64> {
        (self.burn_rate > 0.0).then(|| MONTH_DAYS / self.burn_rate)
    }

    /// Number of requests that may be bad in a month with `requests_per_day`.
    pub(crate) fn allowed_per_month(&self, requests_per_day: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "only displayed")]
        let day = requests_per_day as f64;
        day * MONTH_DAYS * self.share_allowed
    }
}

/// Error budgets of all judged objectives that require a share of requests to be good.
pub(crate) fn budgets(report: &Report) -> Vec<Budget<'_>> {
    report.objectives.iter().filter_map(budget).collect()
}

fn budget(objective: &ObjectiveResult) -> Option<Budget<'_>> {
    let tally = objective.tally().filter(|tally| tally.total > 0)?;
    let share_ppm = objective.goal.share_ppm()?;
    let share_allowed = Ratio::ppm(share_ppm).rest().as_f64();
    let bad = tally.total - tally.good.min(tally.total);
    #[expect(clippy::cast_precision_loss, reason = "only displayed; the verdict uses integers")]
    let (total, bad_requests) = (tally.total as f64, bad as f64);
    let allowed = total * share_allowed;
    let burn_rate = if allowed > 0.0 { bad_requests / allowed } else { f64::INFINITY };
    Some(Budget { objective, bad, share_allowed, allowed, burn_rate })
}

#[cfg(test)]
mod tests;
