//! Alerts that fire while load runs.
//!
//! Each alert is by `testid`, so that a large healthy run does not hide a small failing one.
//! Format: <https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/>.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::label::TESTID;
use crate::measure::{Limit, Reading};
use crate::metric::Metric;
use crate::objective_counters::{self, ObjectiveCounters};
use crate::prometheus::recording_rules::{self, RuleFile, RuleGroup, Timing};
use crate::promql::{self, Expr, Selector, Window};
use crate::query_subject::QuerySubject;
use crate::ratio::Ratio;
use crate::slo::{Sli, Slo};
use crate::span::Span;

/// Share of failed requests above which the alert fires, whatever the objectives are.
pub const TOO_MANY_ERRORS: Ratio = Ratio::percent(5);

/// Name of the alert for too many failed requests.
pub const HIGH_ERROR_RATE: &str = "HighErrorRate";
/// Name of the alert for a run that stopped sending metrics.
pub const METRICS_ABSENT: &str = "MetricsAbsent";

/// An alerting rule.
#[derive(Debug, Clone, Serialize)]
pub struct AlertRule {
    /// Name of the alert.
    pub alert: String,
    /// Condition. Its value is `$value` in the annotations.
    pub expr: Expr,
    /// The part of the service that the alert is about.
    #[serde(skip)]
    pub subject: QuerySubject,
    /// Time for which the expression must have a value, as a Prometheus duration such as "5m".
    #[serde(rename = "for")]
    pub pending: String,
    /// Additional labels of the alert.
    pub labels: BTreeMap<&'static str, &'static str>,
    /// Texts for the reader: `summary`, `description` and `action`.
    pub annotations: BTreeMap<&'static str, String>,
}

/// All alerts of a catalogue, in one group.
pub fn alerts(catalogue: &Catalogue, timing: &Timing) -> RuleFile<AlertRule> {
    let mut rules: Vec<_> = catalogue.slos.iter().filter_map(|slo| slo_violation(catalogue, slo, timing)).collect();
    rules.extend([high_error_rate(timing), metrics_absent(timing)]);
    let interval = promql::duration(timing.interval);
    RuleFile { groups: vec![RuleGroup { name: format!("{}-alerts", catalogue.service), interval, rules }] }
}

/// Name of an objective's alert: `JoinRoomSLOViolation` for latency, `JoinRoomResponseSLOViolation`
/// for response time, and `JoinRoomP99Under1000msSLOViolation` if it is not the main objective on
/// its metric. Objectives without a recording rule have no alert. A least sum has no alert either,
/// because a run reaches it only at its end.
pub fn violation_name(catalogue: &Catalogue, slo: &Slo) -> Option<String> {
    recording_rules::objective_record(catalogue, slo)?;
    if matches!(slo.sli, Sli::Value { reading: Reading::Count, limit: Limit::AtLeast(_), .. }) {
        return None;
    }
    let subject = match slo.sli {
        Sli::NoError | Sli::Throughput { endpoint: None, .. } => String::new(),
        _ => camel_case(&slo.name_of_subject()),
    };
    let kind = camel_case(slo.name_of_kind());
    let limit = match catalogue.is_main(slo) {
        true => String::new(),
        false => camel_case_limit(&format!("{}{}", slo.name_of_limit(), slo.name_of_scope())),
    };
    Some(format!("{subject}{kind}{limit}SLOViolation"))
}

fn camel_case(name: &str) -> String {
    let words = name.split('_').filter_map(|word| word.split_at_checked(1));
    words.map(|(first, rest)| first.to_ascii_uppercase() + rest).collect()
}

/// As [`camel_case`], but an underscore between digits stays, because it is a decimal point: 2_5 is
/// not 25.
fn camel_case_limit(name: &str) -> String {
    let mut joined = String::new();
    for word in name.split('_') {
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        if is_digit(joined.chars().next_back()) && is_digit(word.chars().next()) {
            joined.push('_');
        }
        joined.push_str(&camel_case(word));
    }
    joined
}

/// Alert for a missed objective that has a recording rule. The rule decides, as the verdict does.
/// The value is the quantile or the rate, for the reader.
fn slo_violation(catalogue: &Catalogue, slo: &Slo, timing: &Timing) -> Option<AlertRule> {
    let missed = Selector::new(recording_rules::objective_record(catalogue, slo)?).now().is_zero();
    let window = Window::Fixed(timing.window);
    let (value, description) = match slo.sli {
        Sli::Span { endpoint, span, .. } => {
            let quantile = slo.quantile();
            let value = span_quantile(slo, &Metric::span(&endpoint, span), window);
            (value, format!("{quantile}: {{{{ printf \"%.0f\" $value }}}} ms"))
        }
        Sli::Measure { measure, at_most: Some(_) } => {
            let buckets = slo.select(Selector::new(Metric::measure(&measure).bucket()));
            let quantile = promql::quantile_over(buckets, slo.objective, &[TESTID], window);
            (quantile, format!("{}: {{{{ printf \"%.0f\" $value }}}}", slo.quantile()))
        }
        Sli::Measure { at_most: None, .. } | Sli::Success { .. } | Sli::Check { .. } | Sli::NoError => {
            let grown = |selector: Selector| selector.growth(window).sum_by(&[TESTID]);
            let ObjectiveCounters { good, total } = objective_counters::counters(slo, &grown);
            let good = good.divided_by(total);
            let share = if slo.sli == Sli::NoError { Expr::Integer(1).minus(good) } else { good };
            (share, format!("{}: {{{{ humanizePercentage $value }}}}", slo.describe_kind()))
        }
        Sli::Value { reading: Reading::Count | Reading::Last, .. } => {
            let value = objective_counters::present_counters(slo, &|selector| selector, &[TESTID]).good;
            (value, format!("{}: {{{{ printf \"%.0f\" $value }}}}", slo.describe_kind()))
        }
        _ => {
            let rate = |selector: Selector| selector.rate(window).sum_by(&[TESTID]);
            let good = objective_counters::counters(slo, &rate).good;
            if slo.measure().is_some() {
                (good, "rate: {{ printf \"%.1f\" $value }}/s".to_owned())
            } else {
                (good, "throughput: {{ printf \"%.1f\" $value }} requests/s".to_owned())
            }
        }
    };
    let title = slo.endpoint().map_or(slo.subject(), |endpoint| endpoint.title);
    let mut labels = BTreeMap::from([("severity", "warning")]);
    labels.extend(slo.endpoint().map(|endpoint| ("endpoint", endpoint.name)));
    Some(AlertRule {
        alert: violation_name(catalogue, slo)?,
        expr: value.and_on(&[TESTID], missed),
        subject: QuerySubject::endpoints(slo.endpoint()),
        pending: promql::duration(timing.slo_for),
        labels,
        annotations: annotations(
            format!("Objective of {title} missed in run {{{{ $labels.testid }}}}: {}", slo.describe()),
            description,
            action(slo),
        ),
    })
}

/// The quantile of a span. If it is recorded, the recorded series.
fn span_quantile(slo: &Slo, histogram: &Metric, window: Window) -> Expr {
    let quantile = slo.quantile();
    let is_recorded = recording_rules::RECORDED.iter().any(|(name, _)| *name == quantile);
    if is_recorded && slo.is_latency() && slo.part.is_none() && slo.segment.is_none() {
        return Selector::new(recording_rules::quantile_record(histogram, &quantile)).now();
    }
    promql::quantile_over(slo.select(Selector::new(histogram.bucket())), slo.objective, &[TESTID], window)
}

fn action(slo: &Slo) -> &'static str {
    match slo.limited_span() {
        Some(Span::Connecting) => {
            "Check DNS, the TLS handshake, the accept queue of the service and the network. \
             Reused connections do not connect: check whether the service closes them too early."
        }
        Some(_) => {
            "If only this endpoint is slow, check its handler. \
             If all are slow, check for overload, the connection pool and the network."
        }
        None if slo.measure().is_some() => "Check this measure in the scenario, and whether requests are slow or fail.",
        None if !slo.is_per_second() => {
            "The report has the failed requests and checks with their causes. Read the log of the backend."
        }
        None => {
            "Check whether requests fail or have become slower. \
             If the load is lower than planned, check the generator."
        }
    }
}

/// Alert for too many failed requests. Requests without a response count as failed.
fn high_error_rate(timing: &Timing) -> AlertRule {
    let window = Window::Fixed(timing.window);
    let grown = |metric: Metric| Selector::new(metric.name).growth(window).sum_by(&[TESTID]);
    let share = grown(Metric::api_errors()).divided_by(grown(Metric::http_reqs()));
    AlertRule {
        alert: HIGH_ERROR_RATE.to_owned(),
        expr: share.above(Expr::Share(TOO_MANY_ERRORS)),
        subject: QuerySubject::default(),
        pending: promql::duration(timing.errors_for),
        labels: [("severity", "critical")].into(),
        annotations: annotations(
            format!("More than {TOO_MANY_ERRORS} of requests fail in run {{{{ $labels.testid }}}}"),
            "failed: {{ humanizePercentage $value }} of requests".to_owned(),
            "Status 0 in http_reqs means no response: check whether the backend is up. \
             For status 5xx, read the log of the backend.",
        ),
    }
}

/// Alert for a run that stopped sending metrics before it ended, so that the state of the service
/// is unknown. When a run ends, stale markers end its series at once. Without stale markers,
/// Prometheus returns the last sample for five minutes more.
fn metrics_absent(timing: &Timing) -> AlertRule {
    let since = Expr::Call("time", vec![]).minus(Selector::new(Metric::vus().name).now().timestamp());
    let oldest = since.max_by(&[TESTID]);
    AlertRule {
        alert: METRICS_ABSENT.to_owned(),
        expr: oldest.above(Expr::Integer(timing.absent_after.as_secs())),
        subject: QuerySubject::default(),
        pending: promql::duration(timing.interval),
        labels: [("severity", "warning")].into(),
        annotations: annotations(
            "Run {{ $labels.testid }} stopped sending metrics before it ended".to_owned(),
            "silent for {{ humanizeDuration $value }}".to_owned(),
            "Check whether the generator was killed and whether it can reach this Prometheus.",
        ),
    }
}

fn annotations(summary: String, description: String, action: &str) -> BTreeMap<&'static str, String> {
    [("summary", summary), ("description", description), ("action", action.to_owned())].into()
}

/// Readable outline of the alerts for reviews: expression, pending time and description of each.
pub fn outline(file: &RuleFile<AlertRule>) -> String {
    let alerts = file.groups.iter().flat_map(|group| &group.rules);
    let lines = alerts.map(|rule| {
        let AlertRule { alert, expr, pending, annotations, .. } = rule;
        format!("{alert}: {expr} for {pending}\n  {}", annotations["description"])
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
