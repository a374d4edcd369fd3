//! The counters that an objective is decided by, as Prometheus is asked for them: the very integers of the verdict.

use crate::label::{self, CHECK, LE, Label, TESTID};
use crate::metric::{self, Metric};
use crate::promql::{Expr, Selector};
use crate::slo::{Sli, Slo};

/// An objective's good requests and all its requests, in the phases that it judges. `count` makes a number of a counter:
/// its value at a time, or its growth.
pub fn good_and_total(slo: &Slo, count: &dyn Fn(Selector) -> Expr) -> (Expr, Expr) {
    let judged = |name: String| slo.phases.of(Selector::new(name));
    let rest = |total: Selector, bad: Selector| (count(total.clone()).minus(count(bad)), count(total));
    let of_durations = |metric: Metric| {
        let le = slo.threshold().map(metric::le).unwrap_or_default();
        (count(slo.phases.of(Selector::new(metric.bucket()).with(LE, le))), count(judged(metric.count())))
    };
    match &slo.sli {
        Sli::Latency { endpoint, .. } => of_durations(Metric::latency(endpoint)),
        Sli::ResponseTime { endpoint, .. } => of_durations(Metric::response_time(endpoint)),
        Sli::Success { endpoint } => {
            let good = judged(Metric::success(endpoint).name);
            (count(good), count(judged(Metric::latency(endpoint).count())))
        }
        Sli::Check { name } => {
            let of_check = |metric: Metric| judged(metric.name).with(CHECK, *name);
            rest(of_check(Metric::checks()), of_check(Metric::checks_failed()))
        }
        Sli::NoError => rest(judged(Metric::http_reqs().name), judged(Metric::api_errors().name)),
    }
}

/// The same at the time of a run's last push. Since every series of a run starts from zero, its counters' last values are
/// the integers that the verdict was made from.
pub fn of_run(slo: &Slo, testid: &str) -> (Expr, Expr) {
    good_and_total(slo, &|selector| selector.with(TESTID, testid).now().sum())
}

/// Whether an objective is kept: 1 or 0, and no value where there are no requests; compared in integers, as
/// [`Slo::holds`] does. `by` are the labels that `count` leaves.
pub fn is_kept(slo: &Slo, count: &dyn Fn(Selector) -> Expr, by: &[Label]) -> Expr {
    let (needed, of) = slo.objective.as_fraction();
    let (good, total) = good_and_total(slo, count);
    let (good, enough) = (good.times(of), total.clone().times(needed));
    let kept = match slo.sli {
        Sli::Latency { .. } | Sli::ResponseTime { .. } => good.is_at_least(enough),
        Sli::Success { .. } | Sli::Check { .. } | Sli::NoError => good.is_above(enough),
    };
    kept.and_on(by, total.above_zero())
}

/// The share of an objective's error budget that is left: 1 with no bad request, 0 when just so many were bad as may be,
/// negative beyond.
pub fn budget_left(slo: &Slo, count: &dyn Fn(Selector) -> Expr) -> Expr {
    let (needed, of) = slo.objective.as_fraction();
    let (good, total) = good_and_total(slo, count);
    let bad = total.clone().minus(good).times(of);
    Expr::Integer(1).minus(bad.over(total.times(of - needed)))
}

/// What to ask Prometheus for the number of requests of a run.
pub fn requests_of(testid: &str) -> Expr {
    Selector::new(Metric::http_reqs().name).with(TESTID, testid).now().sum()
}

/// What to ask Prometheus for any series of a run.
pub fn any_series_of(testid: &str) -> Selector {
    Selector::new("").with(label::TESTID, testid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::stock_ai::STOCK_AI;

    #[test]
    fn every_expression_is_promql() {
        for slo in STOCK_AI.slos {
            let (good, total) = of_run(slo, "t");
            let count = |selector: Selector| selector.now().sum_by(&[TESTID]);
            let kept = is_kept(slo, &count, &[TESTID]);
            for text in [good, total, kept, budget_left(slo, &count), any_series_of("t").now(), requests_of("t")] {
                let text = text.to_string();
                assert!(promql_parser::parser::parse(&text).is_ok(), "{text}");
            }
        }
    }

    #[test]
    fn strict_promises_are_compared_strictly() {
        let count = |selector: Selector| selector.now().sum();
        let kept = |slo: &Slo| is_kept(slo, &count, &[]).to_string();
        let [latency, .., success, errors] = STOCK_AI.slos else { panic!("no objectives") };
        assert!(kept(latency).contains(">= bool") && !kept(success).contains(">= bool"));
        assert!(kept(success).contains("> bool") && kept(errors).contains("> bool"));
    }
}
