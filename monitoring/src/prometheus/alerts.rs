//! Alerts that fire while load runs.
//!
//! Each alert is by `testid`, so that a large healthy run does not hide a small failing one.
//! Format: <https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/>.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::endpoint::Endpoint;
use crate::label::TESTID;
use crate::metric::Metric;
use crate::prometheus::recording_rules::{self, RuleFile, RuleGroup, Timing};
use crate::promql::{self, Expr, Selector, Window};
use crate::ratio::Ratio;
use crate::slo::{Sli, Slo};

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
    #[serde(serialize_with = "recording_rules::as_text")]
    pub expr: Expr,
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
    let mut rules: Vec<_> = catalogue.slos.iter().filter_map(|slo| slo_violation(slo, timing)).collect();
    rules.extend([high_error_rate(timing), metrics_absent(timing)]);
    let interval = promql::duration(timing.interval);
    RuleFile { groups: vec![RuleGroup { name: format!("{}-alerts", catalogue.service), interval, rules }] }
}

/// Name of an objective's alert: `JoinRoomSLOViolation` for latency, `JoinRoomResponseSLOViolation`
/// for response time. Other objectives have no alert.
pub fn violation_name(slo: &Slo) -> Option<String> {
    let kind = match slo.sli {
        Sli::Latency { .. } => "",
        Sli::ResponseTime { .. } => "Response",
        Sli::Success { .. } | Sli::Check { .. } | Sli::NoError => return None,
    };
    Some(format!("{}{kind}SLOViolation", camel_case(slo.endpoint()?)))
}

fn camel_case(endpoint: &Endpoint) -> String {
    let words = endpoint.name.split('_').filter_map(|word| word.split_at_checked(1));
    words.map(|(first, rest)| first.to_ascii_uppercase() + rest).collect()
}

/// Alert for a missed latency objective. The objective's recording rule decides, as the verdict
/// does. The value is the quantile, for the reader.
fn slo_violation(slo: &Slo, timing: &Timing) -> Option<AlertRule> {
    let endpoint = slo.endpoint()?;
    let histogram = match slo.sli {
        Sli::ResponseTime { .. } => Metric::response_time(endpoint),
        _ => Metric::latency(endpoint),
    };
    let missed = Selector::new(recording_rules::objective_record(slo)?).now().is_zero();
    let quantile = slo.quantile();
    let recorded =
        recording_rules::RECORDED.iter().any(|(name, _)| *name == quantile) && matches!(slo.sli, Sli::Latency { .. });
    let value = if recorded {
        Selector::new(recording_rules::quantile_record(&histogram, &quantile)).now()
    } else {
        let buckets = slo.phases.select(Selector::new(histogram.bucket()));
        promql::quantile_over(buckets, slo.objective, &[TESTID], Window::Fixed(timing.window))
    };
    let objective = slo.describe();
    Some(AlertRule {
        alert: violation_name(slo)?,
        expr: value.and_on(&[TESTID], missed),
        pending: promql::duration(timing.slo_for),
        labels: [("severity", "warning"), ("endpoint", endpoint.name)].into(),
        annotations: annotations(
            format!("Objective of {} missed in run {{{{ $labels.testid }}}}: {objective}", endpoint.title),
            format!("{quantile}: {{{{ printf \"%.0f\" $value }}}}ms"),
            "If only this endpoint is slow, check its own query. \
             If all are slow, check for overload, the connection pool and the network.",
        ),
    })
}

/// Alert for too many failed requests. Requests without a response count as failed.
fn high_error_rate(timing: &Timing) -> AlertRule {
    let window = Window::Fixed(timing.window);
    let grown = |metric: Metric| Selector::new(metric.name).growth(window).sum_by(&[TESTID]);
    let share = grown(Metric::api_errors()).over(grown(Metric::http_reqs()));
    AlertRule {
        alert: HIGH_ERROR_RATE.to_owned(),
        expr: share.above(Expr::Share(TOO_MANY_ERRORS)),
        pending: promql::duration(timing.errors_for),
        labels: [("severity", "critical")].into(),
        annotations: annotations(
            "Too many requests fail in run {{ $labels.testid }}".to_owned(),
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
