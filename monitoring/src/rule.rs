//! Recording rules, and the counters by which Prometheus answers the same question as the verdict.

use std::time::Duration;

use serde::Serialize;

use crate::catalogue::{Catalogue, Endpoint};
use crate::label::{self, CHECK, LE, TESTID};
use crate::metric::{self, Metric};
use crate::promql::{self, Expr, Selector, Window};
use crate::slo::{Objective, Sli, Slo, millis};

/// How often rules are evaluated, how far back they look, and for how long something must be wrong before an alert fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How often.
    pub interval: Duration,
    /// How far back.
    pub window: Duration,
    /// For how long an endpoint must break its promise.
    pub slo_for: Duration,
    /// For how long too many requests must fail.
    pub errors_for: Duration,
    /// After how long without a push a run is missed.
    pub absent_after: Duration,
}

impl Timing {
    /// Rules look back two evaluations, and twelve pushes.
    pub const USUAL: Self = Self {
        interval: Duration::from_secs(30),
        window: Duration::from_secs(60),
        slo_for: Duration::from_secs(300),
        errors_for: Duration::from_secs(120),
        absent_after: Duration::from_secs(60),
    };

    /// The same rules in a drill, which has a minute and pushes every second.
    pub const DRILL: Self = Self {
        interval: Duration::from_secs(1),
        window: Duration::from_secs(5),
        slo_for: Duration::from_secs(6),
        errors_for: Duration::from_secs(4),
        absent_after: Duration::from_secs(5),
    };
}

/// A file of rules.
#[derive(Debug, Clone, Serialize)]
pub struct RuleFile<R = RecordingRule> {
    /// Groups are evaluated side by side.
    pub groups: Vec<RuleGroup<R>>,
}

/// Rules evaluated one after another, at one time.
#[derive(Debug, Clone, Serialize)]
pub struct RuleGroup<R = RecordingRule> {
    /// Unique in its file.
    pub name: String,
    /// How often, as Prometheus writes durations.
    pub interval: String,
    /// In the order of the catalogue.
    pub rules: Vec<R>,
}

/// A series recorded from an expression.
#[derive(Debug, Clone, Serialize)]
pub struct RecordingRule {
    /// The recorded series' name.
    pub record: String,
    /// What is recorded.
    #[serde(serialize_with = "as_text")]
    pub expr: Expr,
}

pub(crate) fn as_text<S: serde::Serializer>(expr: &Expr, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(expr)
}

/// The recording rules of a catalogue: one group of quantiles, one of objectives.
pub fn recording_rules(catalogue: &Catalogue, timing: &Timing) -> RuleFile {
    let group = |name: &str, rules| RuleGroup {
        name: format!("{}-{name}", catalogue.service),
        interval: promql::duration(timing.interval),
        rules,
    };
    let window = Window::Fixed(timing.window);
    let quantiles = catalogue.endpoints.iter().flat_map(|endpoint| quantile_rules(endpoint, window)).collect();
    let objectives = catalogue.slos.iter().filter_map(|slo| objective_rule(slo, window)).collect();
    RuleFile { groups: vec![group("quantiles", quantiles), group("objectives", objectives)] }
}

/// The quantiles that are recorded of every endpoint.
pub const RECORDED: [(&str, Objective); 2] = [("p50", Objective::percent(50)), ("p95", Objective::percent(95))];

fn quantile_rules(endpoint: &Endpoint, window: Window) -> impl Iterator<Item = RecordingRule> + use<> {
    let latency = Metric::latency(endpoint);
    RECORDED.into_iter().map(move |(name, q)| RecordingRule {
        record: quantile_record(&latency, name),
        expr: promql::quantile_over(Selector::new(latency.bucket()), q, &[TESTID], window).not_nan(),
    })
}

/// `join_room_latency:p95`
pub(crate) fn quantile_record(histogram: &Metric, quantile: &str) -> String {
    format!("{}:{quantile}", histogram.name)
}

/// `slo:<endpoint>:p95_under_<N>ms`, or `slo:<endpoint>:response_p95_under_<N>ms`; none for what is no latency.
pub(crate) fn objective_record(slo: &Slo) -> Option<String> {
    let kind = match slo.sli {
        Sli::Latency { .. } => "",
        Sli::ResponseTime { .. } => "response_",
        Sli::Success { .. } | Sli::Check { .. } | Sli::NoError => return None,
    };
    let (quantile, threshold) = (slo.quantile().replace('.', "_"), millis(slo.threshold()?).replace('.', "_"));
    Some(format!("slo:{}:{kind}{quantile}_under_{threshold}ms", slo.endpoint()?.name))
}

/// 1 while the window's requests keep the promise, 0 while they break it, and no value while there are none.
fn objective_rule(slo: &Slo, window: Window) -> Option<RecordingRule> {
    let expr = kept(slo, window, &|selector| selector)?;
    Some(RecordingRule { record: objective_record(slo)?, expr })
}

/// Whether the requests of a window keep a promise about latency: 1 or 0 by `testid`, and no value where there are none.
/// `chosen` narrows the series down.
fn kept(slo: &Slo, window: Window, chosen: &dyn Fn(Selector) -> Selector) -> Option<Expr> {
    let (needed, of) = slo.objective.as_fraction();
    let within = |selector: Selector| chosen(selector).growth(window).sum_by(&[TESTID]);
    let (good, total) = duration_counters(slo)?;
    let expr = within(good).times(of).is_at_least(within(total.clone()).times(needed));
    Some(expr.and_on(&[TESTID], within(total).above_zero()))
}

/// The counters of an endpoint's requests within a threshold, and of all its requests, in the phases that are judged.
fn duration_counters(slo: &Slo) -> Option<(Selector, Selector)> {
    let metric = match &slo.sli {
        Sli::Latency { endpoint, .. } => Metric::latency(endpoint),
        Sli::ResponseTime { endpoint, .. } => Metric::response_time(endpoint),
        Sli::Success { .. } | Sli::Check { .. } | Sli::NoError => return None,
    };
    let good = Selector::new(metric.bucket()).with(LE, metric::le(slo.threshold()?));
    Some((slo.phases.of(good), slo.phases.of(Selector::new(metric.count()))))
}

/// What to ask Prometheus, at the time of a run's last push, for an objective's good and total requests. Since every
/// series of a run starts from zero, its counters' last values are the integers that the verdict was made from.
pub fn good_and_total(slo: &Slo, testid: &str) -> (Expr, Expr) {
    let of_run = |selector: Selector| selector.with(TESTID, testid).now().sum();
    let judged = |name: String| slo.phases.of(Selector::new(name));
    let rest = |total: Selector, bad: Selector| (of_run(total.clone()).minus(of_run(bad)), of_run(total));
    if let Some((good, total)) = duration_counters(slo) {
        return (of_run(good), of_run(total));
    }
    match &slo.sli {
        Sli::Success { endpoint } => {
            let good = judged(Metric::success(endpoint).name);
            (of_run(good), of_run(judged(Metric::latency(endpoint).count())))
        }
        Sli::Check { name } => {
            let of_check = |metric: Metric| judged(metric.name).with(CHECK, *name);
            rest(of_check(Metric::checks()), of_check(Metric::checks_failed()))
        }
        _ => rest(judged(Metric::http_reqs().name), judged(Metric::api_errors().name)),
    }
}

/// What to ask Prometheus for the number of requests of a run.
pub fn requests_of(testid: &str) -> Expr {
    Selector::new(Metric::http_reqs().name).with(TESTID, testid).now().sum()
}

/// What to ask Prometheus for any series of a run.
pub fn any_series_of(testid: &str) -> Selector {
    Selector::new("").with(label::TESTID, testid)
}

/// The rules in few words, for a reviewer's eye: a line a rule.
pub fn outline(file: &RuleFile) -> String {
    let mut lines = Vec::new();
    for group in &file.groups {
        lines.push(format!("{} every {}", group.name, group.interval));
        lines.extend(group.rules.iter().map(|rule| format!("  {} = {}", rule.record, rule.expr)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::STOCK_AI;

    #[test]
    fn every_endpoint_has_its_quantiles_and_every_latency_objective_its_rule() {
        let file = recording_rules(&STOCK_AI, &Timing::USUAL);
        let records: Vec<_> = file.groups.iter().flat_map(|group| &group.rules).map(|rule| &*rule.record).collect();
        assert_eq!(records.len(), 7 * 3);
        for record in ["join_room_latency:p50", "join_room_latency:p95"] {
            assert!(records.contains(&record), "{record}");
        }
        assert_eq!(records.iter().filter(|record| record.starts_with("slo:join_room:p95_under_")).count(), 1);
    }

    #[test]
    fn every_expression_is_promql() {
        for rule in recording_rules(&STOCK_AI, &Timing::USUAL).groups.iter().flat_map(|group| &group.rules) {
            let text = rule.expr.to_string();
            assert!(promql_parser::parser::parse(&text).is_ok(), "{text}");
        }
        for slo in STOCK_AI.slos {
            let (good, total) = good_and_total(slo, "t");
            for text in [good.to_string(), total.to_string(), any_series_of("t").to_string()] {
                assert!(promql_parser::parser::parse(&text).is_ok(), "{text}");
            }
        }
    }
}
