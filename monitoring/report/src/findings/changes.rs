//! Findings about changes of endpoints.

use crate::comparison::{Comparison, Conclusion, EndpointChange, Rule, SidesP95};
use crate::finding::{Finding, FindingKind, Severity, Subject};
use crate::format::{exact_percent, signed_percent};

/// A finding for each endpoint with a change or without a result, then one for all endpoints with
/// too few pairs.
pub(crate) fn findings(compared: &Comparison) -> impl Iterator<Item = Finding> {
    compared.endpoints.iter().filter_map(|endpoint| change(compared, endpoint)).chain(too_few_pairs(compared))
}

/// Endpoints without a result because there are too few pairs.
fn too_few_pairs(compared: &Comparison) -> Option<Finding> {
    let endpoints = &compared.endpoints;
    let without = endpoints.iter().filter(|it| it.conclusion == Conclusion::TooLittleData && it.p95.interval.is_none());
    let names: Vec<_> = without.map(|endpoint| endpoint.name.as_str()).collect();
    let needed = Rule::fewest_pairs(compared.alpha, endpoints.len());
    let message = format!(
        "{}: too few pairs of rounds. {} endpoints judged together need at least {needed} pairs, each with enough \
         requests on both sides",
        names.join(", "),
        endpoints.len()
    );
    (!names.is_empty()).then(|| Finding::warning(Subject::Load, FindingKind::TooLittleData, message))
}

fn change(compared: &Comparison, endpoint: &EndpointChange) -> Option<Finding> {
    let EndpointChange { name, p95, .. } = endpoint;
    let range = |(low, high)| format!("{} to {}", signed_percent(low), signed_percent(high));
    let interval = p95.interval.map(|interval| format!(", interval {}", range(interval))).unwrap_or_default();
    let (severity, kind) = match endpoint.conclusion {
        Conclusion::NoChangeSeen => return None,
        Conclusion::Regressed => (Severity::Problem, FindingKind::Regressed),
        Conclusion::Improved => (Severity::Good, FindingKind::Improved),
        Conclusion::TooLittleData => (Severity::Warning, FindingKind::TooLittleData),
    };
    let message = if endpoint.conclusion == Conclusion::TooLittleData {
        format!(
            "{name}: the interval of the p95's change is {}. This neither shows a slow-down of more than {} nor rules out \
             one of {}: use more rounds or a quieter machine",
            range(p95.interval?),
            exact_percent(compared.rule.margin),
            exact_percent(compared.rule.detect),
        )
    } else {
        let SidesP95 { before, after, change, .. } = SidesP95::new(endpoint);
        format!("{name} p95 {before} before, {after} after ({change}{interval})")
    };
    Some(Finding::new(severity, Subject::Objective(name.clone()), kind, message))
}
