//! Recording rules: quantiles for eyes, and the objectives as the verdict decides them.

use std::time::Duration;

use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::endpoint::Endpoint;
use crate::label::TESTID;
use crate::metric::Metric;
use crate::objective_counters;
use crate::promql::{self, Expr, Selector, Window};
use crate::ratio::{Ratio, millis};
use crate::slo::{Sli, Slo};

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
    /// After how long without a push a run is missed, by an evaluation and the next.
    pub absent_after: Duration,
    /// For how long Prometheus sees the last sample of a series that has not ended.
    pub lookback: Duration,
}

impl Timing {
    /// Rules look back two evaluations, and twelve pushes.
    pub const USUAL: Self = Self {
        interval: Duration::from_secs(30),
        window: Duration::from_secs(60),
        slo_for: Duration::from_secs(300),
        errors_for: Duration::from_secs(120),
        absent_after: Duration::from_secs(60),
        lookback: Duration::from_secs(300),
    };

    /// The same rules in a drill, which has a minute and pushes every second.
    pub const DRILL: Self = Self {
        interval: Duration::from_secs(1),
        window: Duration::from_secs(5),
        slo_for: Duration::from_secs(6),
        errors_for: Duration::from_secs(4),
        absent_after: Duration::from_secs(5),
        lookback: Duration::from_secs(15),
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
pub const RECORDED: [(&str, Ratio); 2] = [("p50", Ratio::percent(50)), ("p95", Ratio::percent(95))];

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
    let expr = objective_counters::is_kept(slo, &|selector| selector.growth(window).sum_by(&[TESTID]), &[TESTID]);
    Some(RecordingRule { record: objective_record(slo)?, expr })
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
    use crate::services::stock_ai::STOCK_AI;

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
    }
}
