//! Alerts: what somebody is to be told while load runs.
//!
//! Each is by `testid`, so that a failing small run beside a healthy big one is seen. Format:
//! <https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/>.

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

/// The share of failed requests beyond which somebody is told, whatever is promised.
pub const TOO_MANY_ERRORS: Ratio = Ratio::percent(5);

/// The alert for too many failed requests.
pub const HIGH_ERROR_RATE: &str = "HighErrorRate";
/// The alert for a run whose metrics no longer come.
pub const METRICS_ABSENT: &str = "MetricsAbsent";

/// An alerting rule.
#[derive(Debug, Clone, Serialize)]
pub struct AlertRule {
    /// The alert's name.
    pub alert: String,
    /// Its value is what the annotations call `$value`.
    #[serde(serialize_with = "recording_rules::as_text")]
    pub expr: Expr,
    /// For how long the expression must have a value, as Prometheus writes durations.
    #[serde(rename = "for")]
    pub pending: String,
    /// Labels of the alert's own.
    pub labels: BTreeMap<&'static str, &'static str>,
    /// What people read.
    pub annotations: BTreeMap<&'static str, String>,
}

/// The alerts of a catalogue.
pub fn alerts(catalogue: &Catalogue, timing: &Timing) -> RuleFile<AlertRule> {
    let mut rules: Vec<_> = catalogue.slos.iter().filter_map(|slo| slo_violation(slo, timing)).collect();
    rules.extend([high_error_rate(timing), metrics_absent(timing)]);
    let interval = promql::duration(timing.interval);
    RuleFile { groups: vec![RuleGroup { name: format!("{}-alerts", catalogue.service), interval, rules }] }
}

/// `JoinRoomSLOViolation`; of response time, `JoinRoomResponseSLOViolation`.
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

/// An endpoint breaks its promise. The promise decides, by the rule that decides as the verdict does; the value is the
/// quantile, for the person who reads it.
fn slo_violation(slo: &Slo, timing: &Timing) -> Option<AlertRule> {
    let endpoint = slo.endpoint()?;
    let histogram = match slo.sli {
        Sli::ResponseTime { .. } => Metric::response_time(endpoint),
        _ => Metric::latency(endpoint),
    };
    let broken = Selector::new(recording_rules::objective_record(slo)?).now().is_zero();
    let quantile = slo.quantile();
    let recorded =
        recording_rules::RECORDED.iter().any(|(name, _)| *name == quantile) && matches!(slo.sli, Sli::Latency { .. });
    let value = if recorded {
        Selector::new(recording_rules::quantile_record(&histogram, &quantile)).now()
    } else {
        let of = slo.phases.of(Selector::new(histogram.bucket()));
        promql::quantile_over(of, slo.objective, &[TESTID], Window::Fixed(timing.window))
    };
    let promise = slo.describe();
    Some(AlertRule {
        alert: violation_name(slo)?,
        expr: value.and_on(&[TESTID], broken),
        pending: promql::duration(timing.slo_for),
        labels: [("severity", "warning"), ("endpoint", endpoint.name)].into(),
        annotations: annotations(
            format!("{} of run {{{{ $labels.testid }}}} is slower than promised ({promise})", endpoint.title),
            format!("{quantile}: {{{{ printf \"%.0f\" $value }}}}ms"),
            "One endpoint alone: its own query. All of them: overload, connection pool or network.",
        ),
    })
}

/// Too many requests fail, those that no answer came to included.
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
            "Requests of run {{ $labels.testid }} fail".to_owned(),
            "failed: {{ humanizePercentage $value }} of requests".to_owned(),
            "Status 0 in http_reqs: no answer came, see whether the backend is up. 5xx: its log says why.",
        ),
    }
}

/// A run has not said that it is over, and no longer sends: then nobody knows how the service does. Its series end with
/// stale markers when it is over, and are seen no more; of those without, the last sample is seen for five minutes.
fn metrics_absent(timing: &Timing) -> AlertRule {
    let since = Expr::Call("time", vec![]).minus(Selector::new(Metric::vus().name).now().timestamp());
    let oldest = since.max_by(&[TESTID]);
    AlertRule {
        alert: METRICS_ABSENT.to_owned(),
        expr: oldest.above(Expr::Integer(timing.absent_after.as_secs())),
        pending: promql::duration(timing.interval),
        labels: [("severity", "warning")].into(),
        annotations: annotations(
            "Run {{ $labels.testid }} no longer sends metrics, and has not ended".to_owned(),
            "silent for {{ humanizeDuration $value }}".to_owned(),
            "See whether the generator was killed, and whether it reaches this Prometheus.",
        ),
    }
}

fn annotations(summary: String, description: String, action: &str) -> BTreeMap<&'static str, String> {
    [("summary", summary), ("description", description), ("action", action.to_owned())].into()
}

/// The alerts in few words, for a reviewer's eye: a line an alert.
pub fn outline(file: &RuleFile<AlertRule>) -> String {
    let alerts = file.groups.iter().flat_map(|group| &group.rules);
    let lines = alerts.map(|rule| {
        let AlertRule { alert, expr, pending, annotations, .. } = rule;
        format!("{alert}: {expr} for {pending}\n  {}", annotations["description"])
    });
    lines.collect::<Vec<_>>().join("\n")
}
