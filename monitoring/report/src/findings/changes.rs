//! Findings about changes of endpoints.

use crate::comparison::{Comparison, ComparisonMethod, Conclusion, EndpointChange, Rule};
use crate::finding::{Finding, FindingKind, Severity, Subject};
use crate::format::{counted, exact_percent, signed_interval};

/// A finding for each changed endpoint, then one for all endpoints with too little data, and one
/// for all with too few pairs.
pub(crate) fn findings(compared: &Comparison) -> impl Iterator<Item = Finding> {
    let changes = compared.endpoints.iter().filter_map(change);
    changes.chain(undecided(compared)).chain(too_few_pairs(compared)).chain(unlike_others(compared))
}

/// Endpoints without a result that have an interval, by whether that would decide by itself.
fn name_undecided(compared: &Comparison, decides: bool) -> String {
    let Rule { margin, detect, .. } = compared.rule;
    let named = compared.endpoints.iter().filter_map(|endpoint| {
        let (low, high) = endpoint.p95.interval?;
        let is_named = endpoint.conclusion == Conclusion::TooLittleData && decides == (high < detect || low > margin);
        is_named.then(|| format!("{} ({})", endpoint.name, signed_interval(low, high)))
    });
    named.collect::<Vec<_>>().join(", ")
}

/// Endpoints without a result because their intervals are too wide.
fn undecided(compared: &Comparison) -> Option<Finding> {
    let named = name_undecided(compared, false);
    let message = format!(
        "{named}: p95 varies too much to show a slow-down of {} or exclude one of {}",
        exact_percent(compared.rule.margin),
        exact_percent(compared.rule.detect),
    );
    let advice = match compared.method {
        ComparisonMethod::Interleaved => "Use more rounds or a quieter machine",
        ComparisonMethod::Recorded => "Use longer runs or a quieter machine",
    };
    let finding = || Finding::warning(Subject::Load, FindingKind::TooLittleData, message).with_advice(advice);
    (!named.is_empty()).then(finding)
}

/// Endpoints without a result because there are too few pairs.
fn too_few_pairs(compared: &Comparison) -> Option<Finding> {
    let endpoints = &compared.endpoints;
    let without = endpoints.iter().filter(|it| it.conclusion == Conclusion::TooLittleData && it.p95.interval.is_none());
    let names: Vec<_> = without.map(|endpoint| endpoint.name.as_str()).collect();
    let needed = Rule::fewest_pairs(compared.alpha, endpoints.len());
    let (lacking, parts, advice) = match compared.method {
        ComparisonMethod::Interleaved => ("rounds or requests", "rounds", "Use more or longer rounds"),
        ComparisonMethod::Recorded => ("requests", "sections", "Use longer runs for base and head"),
    };
    let message = format!(
        "{}: too few {lacking} to compare. To judge {} together takes at least {} of {parts}, each with enough requests \
         on both sides",
        if names.len() > 1 && names.len() == endpoints.len() { "all endpoints".to_owned() } else { names.join(", ") },
        counted(endpoints.len() as u64, "endpoint"),
        counted(needed as u64, "pair")
    );
    let finding = || Finding::warning(Subject::Load, FindingKind::TooLittleData, message).with_advice(advice);
    (!names.is_empty()).then(finding)
}

/// Endpoints of two recorded runs that changed otherwise than all endpoints together.
fn unlike_others(compared: &Comparison) -> Option<Finding> {
    let named = name_undecided(compared, true);
    let message =
        format!("{named}: not judged, because a machine that changed between the runs may explain or hide a change");
    let advice = "Run an interleaved comparison (--against)";
    let finding = || Finding::warning(Subject::Run, FindingKind::CommonChange, message).with_advice(advice);
    (!named.is_empty()).then(finding)
}

fn change(endpoint: &EndpointChange) -> Option<Finding> {
    let name = &endpoint.name;
    let (severity, kind) = match endpoint.conclusion {
        Conclusion::NoChangeMeasured | Conclusion::TooLittleData => return None,
        Conclusion::Regressed => (Severity::Problem, FindingKind::Regressed),
        Conclusion::Improved => (Severity::Good, FindingKind::Improved),
    };
    let message = format!("{name} {}", endpoint.describe_p95());
    Some(Finding::new(severity, Subject::Objective(name.clone()), kind, message))
}
