//! Compares two sides of a service round by round. [`crate::gate`] explains the method.

use std::collections::BTreeMap;

use monitoring::catalogue::Catalogue;
use monitoring::slo::Slo;
use perf_report::Report;
use perf_report::comparison::{Change, Comparison, ComparisonMethod, EndpointChange, Rule, SCHEMA};
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::judgement::{Measurement, ObjectiveResult, verdict};
use perf_report::verdict::Tally;

use crate::gate;
use crate::measure::{
    MIN_REQUESTS_P95, MeasureFn, Pair, base_report, difference, endpoints, find, head_report, medians, p50, p95,
    p95_differences, p99, ratio, rounds, success, throughput,
};

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
        ComparisonMethod::Interleaved => gate::judge,
        ComparisonMethod::Recorded => gate::judge_recorded,
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
    let mut comparison = Comparison {
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
        endpoints: changes.collect(),
        objectives: Vec::new(),
        findings: Vec::new(),
        exit_code: ExitCode::Met,
    };
    warn_about_missing(&mut comparison, pairs);
    comparison.exit_code = comparison.code();
    comparison
}

/// Warns about endpoints that only one side requested, and about pairs with too few requests.
fn warn_about_missing(comparison: &mut Comparison, pairs: &[Pair<'_>]) {
    let mut short: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for EndpointChange { name, .. } in &comparison.endpoints {
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
        let message = format!("{name} was requested on the {side} but not on the {other}: not compared");
        let subject = Subject::Objective(name.clone());
        comparison.findings.push(Finding::warning(subject, FindingKind::EndpointOnOneSide, message));
    }
    for (left_out, names) in short {
        let is_all = names.len() == comparison.endpoints.len();
        let names = if is_all { "all endpoints".to_owned() } else { names.join(", ") };
        let message = format!(
            "{names}: {left_out} of {} pairs left out: fewer than {MIN_REQUESTS_P95} requests on a side. Longer rounds avoid \
             this",
            pairs.len()
        );
        comparison.findings.push(Finding::warning(Subject::Load, FindingKind::PairsLeftOut, message));
    }
}

/// Judges objectives over several rounds of one side by the sums of their counts. An objective
/// without any request is inconclusive, as in a run. Objectives that the scenario does not
/// exercise, that are not on requests, or that limit the value of one run, are left out.
pub fn objectives(catalogue: &Catalogue, rounds: &[&Report]) -> Vec<ObjectiveResult> {
    let over_all = |slo: &Slo| {
        let id = catalogue.slo_id(slo);
        let results = rounds.iter().flat_map(|report| &report.objectives).filter(|objective| objective.id == id);
        let judged_ms = results.clone().map(|objective| match objective.measured {
            Some(Measurement::Throughput { judged_ms, .. }) => judged_ms,
            _ => 0,
        });
        let judged_ms = judged_ms.sum();
        let tallies: Vec<_> = results.filter_map(|objective| objective.tally().copied()).collect();
        let sum = tallies.iter().fold(Tally::default(), |sum, round| sum.plus(round));
        // A limit of one run's sum or last value says nothing of several rounds together.
        let is_of_one_run = slo.limit().is_some() && !slo.is_per_second();
        (!tallies.is_empty() && !is_of_one_run).then(|| match slo.limit() {
            Some(limit) => {
                let verdict = verdict::judge_value(limit, Some(judged_ms), sum);
                ObjectiveResult::new(catalogue, slo, Measurement::value(sum, Some(judged_ms)), verdict)
            }
            None => ObjectiveResult::new(catalogue, slo, Measurement::counts(slo, sum), verdict::judge(slo, sum)),
        })
    };
    catalogue.slos.iter().filter_map(over_all).collect()
}

#[cfg(test)]
mod tests {
    use perf_report::Millis;
    use perf_report::comparison::Conclusion;
    use perf_report::render::terminal::{TerminalStyle, render_comparison};
    use perf_report::verdict::{Reason, Verdict};
    use test_support::shop::SHOP;

    use super::*;

    fn round(p95_of_join: Option<f64>, failed: u64) -> Report {
        let mut report = test_support::report();
        for endpoint in &mut report.endpoints {
            endpoint.requests.sent = 200;
            endpoint.p95_ms = Some(Millis::Finite(50.0));
        }
        report.endpoints[0].p95_ms = Some(p95_of_join.map_or(Millis::INFINITE, Millis::Finite));
        report.endpoints[0].requests.failed = failed;
        report
    }

    fn label(method: ComparisonMethod) -> ComparisonLabel {
        ComparisonLabel {
            name: "a".to_owned(),
            base: "main (0123456 Slow carts)".to_owned(),
            head: "working tree".to_owned(),
            method,
            rule: Rule::default(),
            alpha: 0.05,
        }
    }

    /// Compares 12 pairs with a change and a little noise.
    fn compared(change: impl Fn(f64) -> (Option<f64>, u64)) -> Comparison {
        let noise = |pair: u32| 1.0 + 0.01 * f64::from(pair % 5);
        let rounds: Vec<_> = (0..12)
            .map(|pair| {
                let (p95, failed) = change(40.0 * noise(pair + 2));
                (round(Some(40.0 * noise(pair)), 0), round(p95, failed))
            })
            .collect();
        let pairs: Vec<_> = rounds.iter().map(|(base, head)| Pair { base, head }).collect();
        compare(label(ComparisonMethod::Interleaved), &pairs)
    }

    #[test]
    fn a_slower_endpoint_is_named_and_the_others_are_not() {
        let slower = compared(|ms| (Some(ms * 1.3), 0));
        assert_eq!(slower.code(), ExitCode::Regressed);
        insta::assert_snapshot!(render_comparison(&slower, TerminalStyle::PLAIN));
        assert_eq!(compared(|ms| (Some(ms), 0)).code(), ExitCode::Met);
        assert_eq!(compared(|ms| (Some(ms / 1.3), 0)).endpoints[0].conclusion, Conclusion::Improved);
    }

    #[test]
    fn failures_count_as_slow_and_are_shown() {
        let broken = compared(|_| (None, 50));
        assert_eq!(broken.endpoints[0].conclusion, Conclusion::Regressed);
        assert_eq!(broken.endpoints[0].success.change, Some(-0.25));
        let text = render_comparison(&broken, TerminalStyle::PLAIN);
        assert!(text.contains('∞') && text.contains("-25.0 pp"), "{text}");
    }

    #[test]
    fn a_stalled_side_counts_as_slow() {
        let conclusion = |pairs: &[(u64, u64)]| {
            let rounds: Vec<_> = pairs
                .iter()
                .map(|(before, after)| {
                    let (mut base, mut head) = (round(Some(40.0), 0), round(Some(40.0), 0));
                    base.endpoints[0].requests.sent = *before;
                    head.endpoints[0].requests.sent = *after;
                    (base, head)
                })
                .collect();
            let pairs: Vec<_> = rounds.iter().map(|(base, head)| Pair { base, head }).collect();
            compare(label(ComparisonMethod::Interleaved), &pairs).endpoints[0].conclusion
        };
        assert_eq!(conclusion(&[(200, 3); 12]), Conclusion::Regressed);
        assert_eq!(conclusion(&[(3, 200); 12]), Conclusion::Improved);
        assert_eq!(conclusion(&[(22, 18); 12]), Conclusion::TooLittleData, "this may be chance");
    }

    #[test]
    fn an_endpoint_missing_on_one_side_is_named() {
        let (base, mut head) = (round(Some(40.0), 0), round(Some(40.0), 0));
        let gone = head.endpoints.remove(0).name;
        let pairs = [Pair { base: &base, head: &head }; 12];
        let comparison = compare(label(ComparisonMethod::Recorded), &pairs);
        assert!(
            comparison
                .findings
                .iter()
                .any(|it| it.message.contains(&gone) && it.kind == FindingKind::EndpointOnOneSide)
        );
        assert_eq!(comparison.code(), ExitCode::Inconclusive);
    }

    #[test]
    fn pairs_with_too_few_requests_are_one_warning() {
        let (whole, mut short) = (round(Some(40.0), 0), round(Some(40.0), 0));
        short.endpoints.iter_mut().for_each(|endpoint| endpoint.requests.sent = 10);
        let mut pairs = [Pair { base: &whole, head: &whole }; 12];
        pairs[11] = Pair { base: &short, head: &short };
        let comparison = compare(label(ComparisonMethod::Recorded), &pairs);
        let found: Vec<_> = comparison.findings.iter().map(|it| (it.kind, it.message.as_str())).collect();
        let message =
            "all endpoints: 1 of 12 pairs left out: fewer than 20 requests on a side. Longer rounds avoid this";
        assert_eq!(found, [(FindingKind::PairsLeftOut, message)]);
        assert_eq!(comparison.code(), ExitCode::Met);
    }

    #[test]
    fn throughput_is_judged_over_the_time_of_all_rounds() {
        const CATALOGUE: Catalogue = Catalogue { slos: &[Slo::total_throughput(50)], ..SHOP };
        let slo = &CATALOGUE.slos[0];
        let round = |good: u64| {
            let tally = Tally { good, total: good, ..Tally::default() };
            let measured = Measurement::Throughput { tally, judged_ms: 10_000 };
            let mut report = test_support::report();
            report.objectives = vec![ObjectiveResult::new(&CATALOGUE, slo, measured, Verdict::Met)];
            report
        };
        for (second, verdict) in [(600, Verdict::Met), (599, Verdict::Missed)] {
            let judged = objectives(&CATALOGUE, &[&round(400), &round(second)]);
            assert_eq!(judged[0].verdict, verdict, "{judged:?}");
        }
    }

    #[test]
    fn objectives_are_judged_by_the_sums_of_their_rounds() {
        let mut rounds = [round(Some(40.0), 0), round(Some(40.0), 0)];
        for (report, good) in rounds.iter_mut().zip([8, 11]) {
            for objective in &mut report.objectives {
                let tally = Tally { good, total: 11, ..Tally::default() };
                objective.measured = Some(Measurement::Share { tally });
            }
        }
        let over_all = objectives(&SHOP, &[&rounds[0], &rounds[1]]);
        let add_item = over_all.iter().find(|objective| objective.id == SHOP.slo_id(&SHOP.slos[0])).unwrap();
        let tally = add_item.tally().unwrap();
        assert_eq!((tally.good, tally.total, &add_item.verdict), (19, 22, &Verdict::Missed));
        // Without requests on the head, no objective is met.
        for objective in rounds.iter_mut().flat_map(|round| &mut round.objectives) {
            objective.measured = Some(Measurement::Share { tally: Tally::default() });
        }
        let without = objectives(&SHOP, &[&rounds[0], &rounds[1]]);
        assert!(
            without.len() == over_all.len()
                && without.iter().all(|it| it.verdict == Verdict::Inconclusive(Reason::NoData)),
            "{without:?}"
        );
    }
}
