//! Tests of `comparison`.

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
        endpoint.p50_ms = Some(Millis::Finite(20.0));
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
    assert_eq!(slower.exit_code, ExitCode::Regressed);
    insta::assert_snapshot!(render_comparison(&slower, TerminalStyle::PLAIN));
    assert_eq!(compared(|ms| (Some(ms), 0)).exit_code, ExitCode::Met);
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
fn a_slow_endpoint_does_not_stall_the_others() {
    let changes = |sent: u64| -> Vec<Option<f64>> {
        let (base, mut head) = (round(Some(40.0), 0), round(Some(40.0), 0));
        head.endpoints.iter_mut().for_each(|endpoint| endpoint.requests.sent = sent);
        let slow = &mut head.endpoints[0];
        (slow.p50_ms, slow.p95_ms) = (Some(Millis::Finite(400.0)), Some(Millis::Finite(410.0)));
        let pairs = [Pair { base: &base, head: &head }; 12];
        compare(label(ComparisonMethod::Recorded), &pairs).endpoints.iter().map(|it| it.p95.change).collect()
    };
    let with_several = changes(15);
    assert!(with_several[0].is_some_and(|change| (9.0..10.0).contains(&change)), "{with_several:?}");
    assert!(with_several.len() > 1 && with_several[1..].iter().all(Option::is_none), "{with_several:?}");
    // Two requests that wait for a frozen service explain nothing.
    let with_two = changes(2);
    assert!(with_two.iter().all(|change| change.is_some_and(|change| change > 100.0)), "{with_two:?}");
}

#[test]
fn an_endpoint_missing_on_one_side_is_named() {
    let (base, mut head) = (round(Some(40.0), 0), round(Some(40.0), 0));
    let gone = head.endpoints.remove(0).name;
    let pairs = [Pair { base: &base, head: &head }; 12];
    let comparison = compare(label(ComparisonMethod::Recorded), &pairs);
    assert!(
        comparison.findings.iter().any(|it| it.message.contains(&gone) && it.kind == FindingKind::EndpointOnOneSide)
    );
    assert_eq!(comparison.exit_code, ExitCode::Inconclusive);
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
        "all endpoints: 1 of 12 pairs not used, because a side has fewer than 20 requests. Use longer rounds or runs";
    assert_eq!(found, [(FindingKind::PairsLeftOut, message)]);
    assert_eq!(comparison.exit_code, ExitCode::Met);
}

#[test]
fn throughput_is_judged_over_the_time_of_all_rounds() {
    const CATALOGUE: Catalogue = Catalogue { slos: &[Slo::total_throughput(50)], ..SHOP };
    let slo = &CATALOGUE.slos[0];
    let round = |good: u64, verdict| {
        let tally = Tally { good, total: good, ..Tally::default() };
        let measured = Measurement::Throughput { tally, judged_ms: 10_000 };
        let mut report = test_support::report();
        report.objectives = vec![ObjectiveResult::new(&CATALOGUE, slo, measured, verdict)];
        report
    };
    let paused = Verdict::Inconclusive(Reason::LessLoad);
    for (first, second, verdict) in [
        (Verdict::Missed, 600, Verdict::Met),
        (Verdict::Missed, 599, Verdict::Missed),
        (paused.clone(), 599, paused.clone()),
        (paused, 600, Verdict::Met),
    ] {
        let judged = objectives(&CATALOGUE, &[&round(400, first), &round(second, Verdict::Met)]);
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
        without.len() == over_all.len() && without.iter().all(|it| it.verdict == Verdict::Inconclusive(Reason::NoData)),
        "{without:?}"
    );
}
