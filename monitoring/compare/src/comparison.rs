//! Compares two sides of a service round by round. [`crate::significance`] explains the method.

use std::collections::BTreeMap;

use monitoring::catalogue::Catalogue;
use monitoring::slo::Slo;
use perf_report::Report;
use perf_report::comparison::{Change, Comparison, ComparisonMethod, EndpointChange, Rule, SCHEMA};
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::counted_part;
use perf_report::gate::Gate;
use perf_report::judgement::{Measurement, ObjectiveResult, verdict_of_rounds};
use perf_report::verdict::Tally;

use crate::pair_measures::{
    MIN_REQUESTS_P95, MeasureFn, Pair, base_report, difference, endpoints, find, head_report, medians, p50, p95,
    p95_differences, p99, ratio, rounds, success, throughput,
};
use crate::significance;

/// Description of a comparison, without its measurements.
#[derive(Debug, Clone)]
pub struct ComparisonLabel {
    /// Name of the comparison.
    pub name: String,
    /// Description of the base, such as a revision or a run.
    pub base: String,
    /// Description of the head.
    pub head: String,
    /// Interleaved or recorded.
    pub method: ComparisonMethod,
    /// Margin, slow-down to detect, and overall level.
    pub rule: Rule,
    /// Level of this judgement. It is less than the rule's alpha if there were interim checks.
    pub alpha: f64,
}

/// Judges pairs of rounds. The exit code follows from conclusions and findings; objectives are
/// added by the caller, if at all.
pub fn compare(label: ComparisonLabel, pairs: &[Pair<'_>]) -> Comparison {
    let names = endpoints(pairs);
    let family: Vec<Vec<f64>> = names.iter().map(|name| p95_differences(pairs, name)).collect();
    let judge = match label.method {
        ComparisonMethod::Interleaved => significance::judge,
        ComparisonMethod::Recorded => significance::judge_recorded,
    };
    let judged = judge(&family, label.rule, label.alpha);
    let changes = names.iter().zip(judged).map(|(name, judged)| {
        let relative = |measure: MeasureFn| ratio(pairs, name, measure, label.alpha);
        let interval = judged.interval.map(|interval| (interval.low.exp_m1(), interval.high.exp_m1()));
        let p95_change = Change { change: judged.estimate.map(f64::exp_m1), interval, ..medians(pairs, name, p95) };
        EndpointChange {
            name: name.clone(),
            conclusion: judged.conclusion,
            p95: p95_change,
            p: judged.p,
            p50: relative(p50),
            p99: relative(p99),
            success: difference(pairs, name, success, label.alpha),
            throughput: relative(throughput),
            rounds_p95_ms: rounds(pairs, name),
        }
    });
    let first = pairs.first().map(|pair| pair.head);
    let changes: Vec<_> = changes.collect();
    let warnings = missing_warnings(&changes, pairs);
    let comparison = Comparison {
        schema: SCHEMA,
        name: label.name,
        base: label.base,
        head: label.head,
        method: label.method,
        scenario: first.map_or_else(String::new, |report| report.run.scenario.clone()),
        load: first.map_or_else(String::new, |report| report.run.load.clone()),
        rule: label.rule,
        alpha: label.alpha,
        pairs: pairs.len(),
        endpoints: changes,
        objectives: Vec::new(),
        findings: Vec::new(),
        exit_code: ExitCode::Met,
    };
    comparison.conclude(Gate::Relative, Vec::new(), warnings)
}

/// Warnings about endpoints that only one side requested, and about pairs with too few requests.
fn missing_warnings(changes: &[EndpointChange], pairs: &[Pair<'_>]) -> Vec<Finding> {
    let mut warnings = Vec::new();
    let mut short: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for EndpointChange { name, .. } in changes {
        let has = |side: for<'a> fn(&Pair<'a>) -> &'a Report| pairs.iter().any(|pair| find(side(pair), name).is_some());
        let (side, other) = match (has(base_report), has(head_report)) {
            (true, true) => {
                let left_out = pairs.len() - p95_differences(pairs, name).len();
                if left_out > 0 {
                    short.entry(left_out).or_default().push(name);
                }
                continue;
            }
            (true, false) => ("base", "head"),
            (false, _) => ("head", "base"),
        };
        let message = format!("{name} is not compared: it has requests on the {side}, but none on the {other}");
        let subject = Subject::Objective(name.clone());
        warnings.push(Finding::warning(subject, FindingKind::EndpointOnOneSide, message));
    }
    for (left_out, names) in short {
        let is_all = names.len() == changes.len();
        let names = if is_all { "all endpoints".to_owned() } else { names.join(", ") };
        let message = format!(
            "{names}: {} not used, because a side has fewer than {MIN_REQUESTS_P95} requests. Use longer rounds or runs",
            counted_part(left_out as u64, pairs.len() as u64, "pair")
        );
        warnings.push(Finding::warning(Subject::Load, FindingKind::PairsLeftOut, message));
    }
    warnings
}

/// Judges objectives over several rounds of one side by the sums of their counts. An objective
/// without any request is inconclusive, as in a run. Objectives that the scenario does not
/// exercise, that are not on requests, or that limit the value of one run, are left out.
pub fn objectives(catalogue: &Catalogue, rounds: &[&Report]) -> Vec<ObjectiveResult> {
    let over_all = |slo: &Slo| {
        let id = catalogue.slo_id(slo);
        let results = rounds.iter().flat_map(|report| &report.objectives).filter(|objective| objective.id == id);
        let judged_ms_of_rounds = results.clone().map(|objective| match objective.measured {
            Some(Measurement::Throughput { judged_ms, .. }) => judged_ms,
            _ => 0,
        });
        let judged_ms = judged_ms_of_rounds.sum();
        let verdicts: Vec<_> = results.clone().map(|objective| &objective.verdict).collect();
        let tallies: Vec<_> = results.filter_map(|objective| objective.tally().copied()).collect();
        let sum = tallies.iter().fold(Tally::default(), |sum, round| sum.plus(round));
        // A limit on the sum or last value of one run does not apply to several rounds together.
        let is_of_one_run = slo.limit().is_some() && !slo.is_per_second();
        (!tallies.is_empty() && !is_of_one_run).then(|| {
            let measurement = match slo.limit() {
                Some(_) => Measurement::value(sum, Some(judged_ms)),
                None => Measurement::counts(slo, sum),
            };
            let verdict = verdict_of_rounds(slo, sum, judged_ms, &verdicts);
            ObjectiveResult::new(catalogue, slo, measurement, verdict)
        })
    };
    catalogue.slos.iter().filter_map(over_all).collect()
}

#[cfg(test)]
mod tests;
