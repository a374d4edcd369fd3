//! Recording rules: quantiles for charts, and objectives judged as the verdict judges them.

use std::time::Duration;

use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::endpoint::Endpoint;
use crate::excuse::Excuse;
use crate::label::TESTID;
use crate::metric::Metric;
use crate::objective_counters;
use crate::promql::{self, Expr, Selector, Window};
use crate::query_subject::QuerySubject;
use crate::ratio::Ratio;
use crate::slo::{Sli, Slo};

/// Intervals and windows of rules, and the times after which alerts fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Interval between two evaluations.
    pub interval: Duration,
    /// Window that rules look back over.
    pub window: Duration,
    /// Time for which an objective must be missed before its alert fires.
    pub slo_for: Duration,
    /// Time for which too many requests must fail before the alert fires.
    pub errors_for: Duration,
    /// Time without a push after which a run counts as absent. The alert fires one evaluation
    /// later.
    pub absent_after: Duration,
    /// Time for which Prometheus returns the last sample of a series without a stale marker.
    pub lookback: Duration,
}

impl Timing {
    /// Timing of the committed files. The window spans two evaluations and twelve pushes.
    pub const USUAL: Self = Self {
        interval: Duration::from_secs(30),
        window: Duration::from_secs(60),
        slo_for: Duration::from_secs(300),
        errors_for: Duration::from_secs(120),
        absent_after: Duration::from_secs(60),
        lookback: Duration::from_secs(300),
    };

    /// Timing of a drill, which lasts about a minute and pushes every second.
    pub const DRILL: Self = Self {
        interval: Duration::from_secs(1),
        window: Duration::from_secs(5),
        slo_for: Duration::from_secs(6),
        errors_for: Duration::from_secs(4),
        absent_after: Duration::from_secs(5),
        lookback: Duration::from_secs(15),
    };
}

/// A rule file.
#[derive(Debug, Clone, Serialize)]
pub struct RuleFile<R = RecordingRule> {
    /// Groups. Prometheus evaluates them in parallel.
    pub groups: Vec<RuleGroup<R>>,
}

/// Rules that are evaluated in sequence, with the same timestamp.
#[derive(Debug, Clone, Serialize)]
pub struct RuleGroup<R = RecordingRule> {
    /// Name, unique in the file.
    pub name: String,
    /// Evaluation interval, as a Prometheus duration such as "30s".
    pub interval: String,
    /// Rules in the order of the catalogue.
    pub rules: Vec<R>,
}

/// A recording rule.
#[derive(Debug, Clone, Serialize)]
pub struct RecordingRule {
    /// Name of the recorded series.
    pub record: String,
    /// Expression whose value is recorded.
    pub expr: Expr,
    /// The part of the service that the rule is about.
    #[serde(skip)]
    pub subject: QuerySubject,
    /// Reason why the expression may have no value after a good run.
    #[serde(skip)]
    pub excuse: Option<Excuse>,
}

/// All recording rules of a catalogue: one group of quantiles and one of objectives.
pub fn recording_rules(catalogue: &Catalogue, timing: &Timing) -> RuleFile {
    let group = |name: &str, rules| RuleGroup {
        name: format!("{}-{name}", catalogue.service),
        interval: promql::duration(timing.interval),
        rules,
    };
    let window = Window::Fixed(timing.window);
    let quantiles = catalogue.endpoints.iter().flat_map(|endpoint| quantile_rules(endpoint, window)).collect();
    let objectives = catalogue.slos.iter().filter_map(|slo| objective_rule(catalogue, slo, window)).collect();
    RuleFile { groups: vec![group("quantiles", quantiles), group("objectives", objectives)] }
}

/// Quantiles that are recorded for every endpoint.
pub const RECORDED: [(&str, Ratio); 2] = [("p50", Ratio::percent(50)), ("p95", Ratio::percent(95))];

fn quantile_rules(endpoint: &Endpoint, window: Window) -> impl Iterator<Item = RecordingRule> + use<> {
    let (latency, subject) = (Metric::latency(endpoint), QuerySubject::endpoints([endpoint]));
    RECORDED.into_iter().map(move |(name, q)| RecordingRule {
        record: quantile_record(&latency, name),
        expr: promql::quantile_over(Selector::new(latency.bucket()), q, &[TESTID], window).not_nan(),
        subject: subject.clone(),
        excuse: None,
    })
}

/// Name of a recorded quantile: `add_item_latency:p95`.
pub(crate) fn quantile_record(histogram: &Metric, quantile: &str) -> String {
    format!("{}:{quantile}", histogram.name)
}

/// Name of a recorded objective: `slo:<endpoint>:p95_under_<N>ms`,
/// `slo:<endpoint>:response_p95_under_<N>ms` for response time, or
/// `slo:<endpoint>:success_above_<N>_in_day_7`. `None` for objectives that are not recorded.
pub(crate) fn objective_record(catalogue: &Catalogue, slo: &Slo) -> Option<String> {
    let kind = match slo.sli {
        Sli::Throughput { .. } | Sli::Measure { .. } | Sli::Value { .. } => String::new(),
        Sli::Span { .. } if slo.is_latency() => String::new(),
        // Those on the whole run have panels, and the alert for too many failed requests.
        Sli::Success { .. } | Sli::Check { .. } | Sli::NoError if slo.part.is_none() && slo.segment.is_none() => {
            return None;
        }
        _ => format!("{}_", slo.name_of_kind()),
    };
    let scope = if catalogue.is_main(slo) { String::new() } else { slo.name_of_scope() };
    Some(format!("slo:{}:{kind}{}{scope}", slo.name_of_subject(), slo.name_of_limit()))
}

/// 1 while the requests in the window meet the objective, 0 while they miss it, and no value
/// without requests.
fn objective_rule(catalogue: &Catalogue, slo: &Slo, window: Window) -> Option<RecordingRule> {
    let expr = objective_counters::is_met(slo, window, &|selector| selector, &[TESTID]);
    let record = objective_record(catalogue, slo)?;
    Some(RecordingRule { record, expr, subject: QuerySubject::objective(catalogue, slo), excuse: slo.excuse() })
}

/// Readable outline of the rules for reviews, one line per rule.
pub fn outline(file: &RuleFile) -> String {
    let mut lines = Vec::new();
    for group in &file.groups {
        lines.push(format!("{} every {}", group.name, group.interval));
        lines.extend(group.rules.iter().map(|rule| format!("  {} = {}", rule.record, rule.expr)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
