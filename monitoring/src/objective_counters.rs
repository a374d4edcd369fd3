//! PromQL for the counters that an objective is judged by. They are the integers of the verdict.

use std::time::Duration;

use crate::label::{self, CHECK, LE, Label, NAME, TESTID};
use crate::measure::{self, Limit, Reading};
use crate::metric::{self, Metric};
use crate::promql::{Expr, Selector, Window};
use crate::slo::{Sli, Slo, ThresholdRule};

/// The counters that an objective is judged by, as expressions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectiveCounters {
    /// Good requests. For a counter or a gauge of the scenario, its value.
    pub good: Expr,
    /// All requests, tries or values.
    pub total: Expr,
}

/// Counters of an objective, in the phases and the part that it judges. `count` turns a counter
/// into a number: its value at a time, or its growth.
pub fn counters(slo: &Slo, count: &dyn Fn(Selector) -> Expr) -> ObjectiveCounters {
    let judged = |name: String| slo.select(Selector::new(name));
    let of = |good: Selector, total: Selector| ObjectiveCounters { good: count(good), total: count(total) };
    let all_but = |total: Selector, bad: Selector| {
        let total = count(total);
        ObjectiveCounters { good: total.clone().minus(count(bad)), total }
    };
    match &slo.sli {
        Sli::Span { endpoint, span, threshold } => {
            let metric = Metric::span(endpoint, *span);
            let within = slo.select(Selector::new(metric.bucket()).with(LE, metric::le(*threshold)));
            of(within, judged(metric.count()))
        }
        Sli::Success { endpoint } => {
            of(judged(Metric::success(endpoint).name), judged(Metric::latency(endpoint).count()))
        }
        Sli::Check { name } => {
            let check_series = |metric: Metric| judged(metric.name).with(CHECK, *name);
            all_but(check_series(Metric::checks()), check_series(Metric::checks_failed()))
        }
        Sli::Measure { measure, at_most: Some(at_most) } => {
            let metric = Metric::measure(measure);
            let le = metric::le(measure::as_duration(*at_most));
            of(slo.select(Selector::new(metric.bucket()).with(LE, le)), judged(metric.count()))
        }
        Sli::Measure { measure, at_most: None } => {
            of(judged(Metric::measure_passed(measure).name), judged(Metric::measure(measure).name))
        }
        // A value is judged once requests were made.
        Sli::Value { measure, .. } => of(judged(Metric::measure(measure).name), judged(Metric::http_reqs().name)),
        Sli::NoError | Sli::Throughput { endpoint: None, .. } => {
            all_but(judged(Metric::http_reqs().name), judged(Metric::api_errors().name))
        }
        Sli::Throughput { endpoint: Some(endpoint), .. } => {
            let failed = judged(Metric::api_errors().name).with(NAME, endpoint.name);
            all_but(judged(Metric::latency(endpoint).count()), failed)
        }
    }
}

/// Counters of an objective at the time of a run's last push. Every series of a run starts at zero,
/// so the last values of its counters are the integers of the verdict.
pub fn final_counters(slo: &Slo, testid: &str) -> ObjectiveCounters {
    present_counters(slo, &|selector| selector.with(TESTID, testid), &[])
}

/// As [`counters`], with the present values of the counters. The value of a gauge is the one that
/// is worst for the limit.
pub(crate) fn present_counters(slo: &Slo, labels: &dyn Fn(Selector) -> Selector, by: &[Label]) -> ObjectiveCounters {
    let present = counters(slo, &|selector| labels(selector).now().sum_by(by));
    match slo.sli {
        Sli::Value { measure, reading: Reading::Last, limit } => {
            let values = labels(slo.select(Selector::new(Metric::measure(&measure).name))).now();
            let worst = match limit {
                Limit::AtMost(_) => values.max_by(by),
                Limit::AtLeast(_) => values.min_by(by),
            };
            ObjectiveCounters { good: worst, ..present }
        }
        _ => present,
    }
}

/// Whether an objective is met: 1 or 0, and no value without requests. It compares integers, as
/// [`Slo::holds`] does. `by` names the labels that the result of `count` has.
///
/// Throughput and other values a second are compared by their rate, because samples do not lie at
/// the ends of a window. It has no value until requests have been made for a whole window, which is
/// a minute at [`Window::RateInterval`]. The verdict compares integers there, too. The sum of a
/// counter and the value of a gauge are the present ones.
pub fn is_met(slo: &Slo, window: Window, labels: &dyn Fn(Selector) -> Selector, by: &[Label]) -> Expr {
    let aggregate = |expr: Expr| expr.sum_by(by);
    if let (Some(limit), true) = (slo.limit(), slo.is_per_second()) {
        let window = match window {
            Window::Fixed(window) => window,
            Window::RateInterval | Window::Range => Duration::from_secs(60),
        };
        let rate = counters(slo, &|selector| aggregate(labels(selector).rate(Window::Fixed(window)))).good;
        let total = present_counters(slo, labels, by).total;
        let earlier = counters(slo, &|selector| aggregate(labels(selector).before(window).now())).total;
        let is_full = total.and_on(by, earlier.above_zero());
        return rate.is_within(limit.map(Expr::Integer)).and_on(by, is_full);
    }
    if let Some(limit) = slo.limit() {
        let ObjectiveCounters { good: value, total } = present_counters(slo, labels, by);
        return value.is_within(limit.map(Expr::Integer)).and_on(by, total.above_zero());
    }
    let (needed, of) = slo.objective.as_fraction();
    let ObjectiveCounters { good, total } = counters(slo, &|selector| aggregate(labels(selector).growth(window)));
    let enough = total.clone().times(needed);
    let good = good.times(of);
    let met = match slo.sli.threshold_rule() {
        ThresholdRule::AtLeast => good.is_at_least(enough),
        ThresholdRule::MoreThan => good.is_above(enough),
    };
    met.and_on(by, total.above_zero())
}

/// Share of the error budget that is left. It is 1 without bad requests, 0 if they use up the
/// budget, and negative if they exceed it.
pub fn budget_left(slo: &Slo, count: &dyn Fn(Selector) -> Expr) -> Expr {
    let (needed, of) = slo.objective.as_fraction();
    let ObjectiveCounters { good, total } = counters(slo, count);
    let bad = total.clone().minus(good).times(of);
    Expr::Integer(1).minus(bad.divided_by(total.times(of - needed)))
}

/// Number of requests of a run.
pub fn run_requests(testid: &str) -> Expr {
    Selector::new(Metric::http_reqs().name).with(TESTID, testid).now().sum()
}

/// All series of a run.
pub fn any_series(testid: &str) -> Selector {
    Selector::new("").with(label::TESTID, testid)
}

#[cfg(test)]
mod tests;
