//! Two sides of a service, compared round by round. What is judged, and why it is judged so, is said in [`crate::gate`].

use monitoring::slo::Slo;
use perf_report::comparison::{Change, Comparison, ComparisonMethod, EndpointChange, Rule, SCHEMA};
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::verdict::{self, Tally};
use perf_report::{ObjectiveResult, Report};

use crate::gate;
use crate::measure::{
    FEWEST_OF_P95, MeasureFn, Pair, base_of, difference, differences_of, endpoints, find, head_of, medians, p50, p95,
    p99, ratio, rounds, success, throughput,
};

/// What a comparison is about, apart from its measurements.
#[derive(Debug, Clone)]
pub struct About {
    /// Its name.
    pub name: String,
    /// What the base is.
    pub base: String,
    /// What the head is.
    pub head: String,
    /// How they were measured.
    pub method: ComparisonMethod,
    /// What is asked.
    pub rule: Rule,
    /// At what level.
    pub alpha: f64,
}

/// Judges pairs of rounds. The exit code is that of the findings and problems; objectives come later, if at all.
pub fn compare(about: About, pairs: &[Pair<'_>]) -> Comparison {
    let names = endpoints(pairs);
    let family: Vec<Vec<f64>> = names.iter().map(|name| differences_of(pairs, name)).collect();
    let judge = match about.method {
        ComparisonMethod::Interleaved => gate::judge,
        ComparisonMethod::Recorded => gate::judge_recorded,
    };
    let judged = judge(&family, about.rule, about.alpha);
    let changes = names.iter().zip(judged).map(|(name, judged)| {
        let relative = |of: MeasureFn| ratio(pairs, name, of, about.alpha);
        let interval = judged.interval.map(|interval| (interval.low.exp_m1(), interval.high.exp_m1()));
        let p95_change = Change { change: judged.estimate.map(f64::exp_m1), interval, ..medians(pairs, name, p95) };
        EndpointChange {
            name: name.clone(),
            conclusion: judged.conclusion,
            p95: p95_change,
            p: judged.p,
            p50: relative(p50),
            p99: relative(p99),
            success: difference(pairs, name, success, about.alpha),
            throughput: relative(throughput),
            rounds_p95_ms: rounds(pairs, name),
        }
    });
    let first = pairs.first().map(|pair| pair.head);
    let mut comparison = Comparison {
        schema: SCHEMA,
        name: about.name,
        base: about.base,
        head: about.head,
        method: about.method,
        scenario: first.map_or_else(String::new, |report| report.scenario.clone()),
        load: first.map_or_else(String::new, |report| report.load.clone()),
        rule: about.rule,
        alpha: about.alpha,
        pairs: pairs.len(),
        endpoints: changes.collect(),
        objectives: Vec::new(),
        findings: Vec::new(),
        exit_code: ExitCode::Met,
    };
    warn_of_missing(&mut comparison, pairs);
    comparison.exit_code = comparison.code();
    comparison
}

/// Endpoints that only one side has, and those with too few requests in a round.
fn warn_of_missing(comparison: &mut Comparison, pairs: &[Pair<'_>]) {
    for endpoint in &comparison.endpoints {
        let name = &endpoint.name;
        let has = |side: for<'a> fn(&Pair<'a>) -> &'a Report| pairs.iter().any(|pair| find(side(pair), name).is_some());
        let (kind, message) = match (has(base_of), has(head_of)) {
            (true, true) => {
                let known = differences_of(pairs, name).len();
                if known == pairs.len() {
                    continue;
                }
                let message = format!(
                    "{name}: only {known} of {} pairs of rounds have the {FEWEST_OF_P95} requests on both sides that a p95 needs: \
                     make rounds longer",
                    pairs.len()
                );
                (FindingKind::TooLittleData, message)
            }
            (true, false) => {
                (FindingKind::EndpointOnOneSide, format!("{name} was requested of the base and not of the head"))
            }
            _ => (FindingKind::EndpointOnOneSide, format!("{name} was requested of the head and not of the base")),
        };
        let subject = Subject::Objective(name.clone());
        comparison.findings.push(Finding::warning(subject, kind, message));
    }
}

/// Objectives over several rounds of one side: counts are summed, and each that the scenario exercises is judged by the sums; one without
/// any request is as inconclusive as in a run. What is no count of requests is not judged.
pub fn objectives(slos: &[Slo], rounds: &[&Report]) -> Vec<ObjectiveResult> {
    let over_all = |slo: &Slo| {
        let id = slo.id();
        let of_rounds = rounds.iter().flat_map(|report| &report.objectives).filter(|objective| objective.id == id);
        let tallies: Vec<_> = of_rounds.filter_map(|objective| objective.tally().copied()).collect();
        let sum = tallies.iter().fold(Tally::default(), |sum, round| sum.plus(round));
        (!tallies.is_empty()).then(|| ObjectiveResult::judged(slo, sum, verdict::judge(slo, sum)))
    };
    slos.iter().filter_map(over_all).collect()
}

#[cfg(test)]
mod tests {
    use monitoring::services::stock_ai::STOCK_AI;
    use perf_report::comparison::Conclusion;
    use perf_report::render::terminal::render_comparison;
    use perf_report::verdict::{Reason, Verdict};
    use perf_report::{Measured, Millis};

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

    /// Pairs with that much of a change, and a little noise.
    fn compared(change: impl Fn(f64) -> (Option<f64>, u64)) -> Comparison {
        let noise = |pair: u32| 1.0 + 0.01 * f64::from(pair % 5);
        let rounds: Vec<_> = (0..12)
            .map(|pair| {
                let (p95, failed) = change(40.0 * noise(pair + 2));
                (round(Some(40.0 * noise(pair)), 0), round(p95, failed))
            })
            .collect();
        let pairs: Vec<_> = rounds.iter().map(|(base, head)| Pair { base, head }).collect();
        let about = About {
            name: "a".to_owned(),
            base: "main (0123456 Slow joins)".to_owned(),
            head: "working tree".to_owned(),
            method: ComparisonMethod::Interleaved,
            rule: Rule::default(),
            alpha: 0.05,
        };
        compare(about, &pairs)
    }

    #[test]
    fn a_slower_endpoint_is_named_and_the_others_are_not() {
        let slower = compared(|ms| (Some(ms * 1.3), 0));
        assert_eq!(slower.code(), ExitCode::Regressed);
        insta::assert_snapshot!(render_comparison(&slower, false));
        assert_eq!(compared(|ms| (Some(ms), 0)).code(), ExitCode::Met);
        assert_eq!(compared(|ms| (Some(ms / 1.3), 0)).endpoints[0].conclusion, Conclusion::Improved);
    }

    #[test]
    fn failures_are_slow_and_shown_as_such() {
        let broken = compared(|_| (None, 50));
        assert_eq!(broken.endpoints[0].conclusion, Conclusion::Regressed);
        assert_eq!(broken.endpoints[0].success.change, Some(-0.25));
        let text = render_comparison(&broken, false);
        assert!(text.contains('∞') && text.contains("-25.0 pp"), "{text}");
    }

    #[test]
    fn a_side_that_stands_still_is_slow_and_not_unknown() {
        let stands = |pairs: &[(u64, u64)]| {
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
            let about = About {
                name: String::new(),
                base: String::new(),
                head: String::new(),
                method: ComparisonMethod::Interleaved,
                rule: Rule::default(),
                alpha: 0.05,
            };
            compare(about, &pairs).endpoints[0].conclusion
        };
        assert_eq!(stands(&[(200, 3); 12]), Conclusion::Regressed);
        assert_eq!(stands(&[(3, 200); 12]), Conclusion::Improved);
        assert_eq!(stands(&[(22, 18); 12]), Conclusion::TooLittleData, "chance may have done that");
    }

    #[test]
    fn an_endpoint_that_one_side_lacks_is_named() {
        let (base, mut head) = (round(Some(40.0), 0), round(Some(40.0), 0));
        let gone = head.endpoints.remove(0).name;
        let pairs = [Pair { base: &base, head: &head }; 12];
        let about = About {
            name: String::new(),
            base: String::new(),
            head: String::new(),
            method: ComparisonMethod::Recorded,
            rule: Rule::default(),
            alpha: 0.05,
        };
        let comparison = compare(about, &pairs);
        assert!(
            comparison
                .findings
                .iter()
                .any(|it| it.message.contains(&gone) && it.kind == FindingKind::EndpointOnOneSide)
        );
        assert_eq!(comparison.code(), ExitCode::Inconclusive);
    }

    #[test]
    fn objectives_are_judged_by_the_sums_of_their_rounds() {
        let mut rounds = [round(Some(40.0), 0), round(Some(40.0), 0)];
        for (report, good) in rounds.iter_mut().zip([8, 11]) {
            for objective in &mut report.objectives {
                let tally = Tally { good, total: 11, ..Tally::default() };
                objective.measured = Some(Measured::Share { tally });
            }
        }
        let over_all = objectives(STOCK_AI.slos, &[&rounds[0], &rounds[1]]);
        let join = over_all.iter().find(|objective| objective.id == STOCK_AI.slos[0].id()).unwrap();
        let tally = join.tally().unwrap();
        assert_eq!((tally.good, tally.total, &join.verdict), (19, 22, &Verdict::Missed));
        // Nothing was asked of it on the head: no objective is met by that.
        for objective in rounds.iter_mut().flat_map(|round| &mut round.objectives) {
            objective.measured = Some(Measured::Share { tally: Tally::default() });
        }
        let without = objectives(STOCK_AI.slos, &[&rounds[0], &rounds[1]]);
        assert!(
            without.len() == over_all.len()
                && without.iter().all(|it| it.verdict == Verdict::Inconclusive(Reason::NoData)),
            "{without:?}"
        );
    }
}
