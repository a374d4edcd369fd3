//! Names and texts of objectives.

use crate::measure::Limit;
use crate::metric::Metric;
use crate::ratio::millis;

use super::{Sli, Slo};

impl Slo {
    /// Name of the judged metric, such as "add_item_latency" or "checks:NAME". The main objective
    /// on a metric has it as its ID.
    pub(crate) fn metric_name(&self) -> String {
        match &self.sli {
            Sli::Span { endpoint, span, .. } => Metric::span(endpoint, *span).name,
            Sli::Success { endpoint } => Metric::success(endpoint).name,
            Sli::NoError => Metric::api_errors().name,
            Sli::Check { name } => format!("{}:{name}", Metric::checks().name),
            Sli::Measure { measure, .. } | Sli::Value { measure, .. } => Metric::measure(measure).name,
            Sli::Throughput { endpoint: Some(endpoint), .. } => format!("{}_throughput", endpoint.name),
            Sli::Throughput { endpoint: None, .. } => "throughput".to_owned(),
        }
    }

    /// Name of the endpoint, the check or the measure in names of rules, or "all". Only letters,
    /// digits and underscores remain of a check's name.
    pub(crate) fn name_of_subject(&self) -> String {
        match self.sli {
            Sli::NoError | Sli::Throughput { endpoint: None, .. } => "all".to_owned(),
            _ => self.subject().replace(|c: char| !c.is_ascii_alphanumeric(), "_"),
        }
    }

    /// Kind of the objective as a part of a name: "response", "success"; empty for latency.
    pub(crate) const fn name_of_kind(&self) -> &'static str {
        match &self.sli {
            Sli::Span { span, .. } => span.name(),
            Sli::Success { .. } => "success",
            Sli::Check { .. } => "check",
            Sli::NoError => "errors",
            Sli::Measure { .. } | Sli::Value { .. } => "measure",
            Sli::Throughput { .. } => "throughput",
        }
    }

    /// The limit as a part of a name: "p99_under_1000ms", "above_95", "at_least_50_per_second".
    pub(crate) fn name_of_limit(&self) -> String {
        let limit = match &self.sli {
            Sli::Span { threshold, .. } => format!("{}_under_{}ms", self.quantile(), millis(*threshold)),
            Sli::Measure { at_most: Some(value), .. } => format!("{}_at_most_{value}", self.quantile()),
            Sli::Success { .. } | Sli::Check { .. } | Sli::Measure { .. } => {
                format!("above_{}", self.objective.as_percent())
            }
            Sli::NoError => format!("below_{}", self.objective.rest().as_percent()),
            Sli::Throughput { per_second, .. } => format!("at_least_{per_second}_per_second"),
            Sli::Value { reading, limit, .. } => {
                let side = if matches!(limit, Limit::AtMost(_)) { "most" } else { "least" };
                format!("{}_at_{side}_{}", reading.as_str(), limit.value())
            }
        };
        limit.replace('.', "_")
    }

    /// Phases, part and segment or tag as a part of a name: "_in_steady", "_in_part_readers",
    /// "_in_day_7", "_in_room_large"; empty by default.
    pub(crate) fn name_of_scope(&self) -> String {
        let phases = self.phases.name();
        let part = self.part.map(|part| format!("_in_part_{part}")).unwrap_or_default();
        let segment = self.segment.map(|segment| format!("_in_{segment}")).unwrap_or_default();
        format!("{phases}{part}{segment}").replace(|c: char| !c.is_ascii_alphanumeric(), "_")
    }

    /// Name of the endpoint, the check or the measure, or "all endpoints".
    pub fn subject(&self) -> &'static str {
        match self.sli {
            Sli::Check { name } => name,
            Sli::Measure { measure, .. } | Sli::Value { measure, .. } => measure.name,
            _ => self.endpoint().map_or("all endpoints", |endpoint| endpoint.name),
        }
    }

    /// Short text: "p95 <= 300 ms", "success > 95 %", "errors < 1 %".
    pub fn describe(&self) -> String {
        let limit = match &self.sli {
            Sli::Span { threshold, .. } => format!("{} <= {} ms", self.describe_kind(), millis(*threshold)),
            Sli::Measure { at_most: Some(value), .. } => format!("{} <= {value}", self.describe_kind()),
            Sli::Success { .. } | Sli::Check { .. } | Sli::Measure { .. } => {
                format!("{} > {}", self.describe_kind(), self.objective)
            }
            Sli::NoError => format!("errors < {}", self.objective.rest()),
            Sli::Throughput { per_second, .. } => format!("at least {per_second} requests/s"),
            Sli::Value { reading, limit, .. } => {
                format!("{} {} {}{}", reading.as_str(), limit.sign(), limit.value(), reading.unit())
            }
        };
        limit + &self.describe_scope()
    }

    /// Phases, part and segment or tag, if they are not the default: " in steady",
    /// " in part readers", " in day 7", " in room=large".
    pub fn describe_scope(&self) -> String {
        let part = self.part.map(|part| format!(" in part {part}")).unwrap_or_default();
        let segment = self.segment.map(|segment| format!(" in {segment}")).unwrap_or_default();
        self.phases.describe() + &part + &segment
    }

    /// Kind of the objective, without the limit: "p95", "response p95", "success", "check",
    /// "errors", "throughput".
    pub fn describe_kind(&self) -> String {
        match &self.sli {
            Sli::Span { span, .. } => format!("{}{}", span.prefix(), self.quantile()),
            Sli::Measure { at_most: Some(_), .. } => self.quantile(),
            Sli::Measure { at_most: None, .. } => "rate".to_owned(),
            Sli::Value { reading, .. } => reading.as_str().to_owned(),
            _ => self.name_of_kind().to_owned(),
        }
    }

    /// Name of the quantile: "p95", "p99.9".
    pub fn quantile(&self) -> String {
        self.objective.as_quantile()
    }
}
