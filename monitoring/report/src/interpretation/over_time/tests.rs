//! Tests of `over_time`.

use super::*;
use crate::evidence::EndpointSlice;
use crate::judgement::Goal;

/// A report with a section per second. `values` returns the bad requests per hundred and the
/// median in milliseconds of a second, which are the same for all endpoints.
fn report(seconds: u64, values: impl Fn(u64) -> (u64, f64)) -> Report {
    let mut report = Report::sample();
    report.run.timeline.slices = (0..seconds)
        .map(|second| {
            let (bad, ms) = values(second);
            let endpoint = EndpointSlice {
                requests: 100,
                failed: 0,
                good: Some(100 - bad),
                p50_ms: Millis::Finite(ms),
                p95_ms: Millis::Finite(ms),
                further: Vec::new(),
            };
            Slice {
                from_ms: second * 1_000,
                to_ms: (second + 1) * 1_000,
                phase: Some(if second < 5 { Phase::Ramp } else { Phase::Steady }),
                planned_vus: u32::try_from(second).unwrap(),
                requests: 700,
                endpoints: report.endpoints.iter().map(|known| (known.name.clone(), endpoint.clone())).collect(),
                ..Slice::default()
            }
        })
        .collect();
    for objective in &mut report.objectives {
        if let Goal::Latency(goal) = &mut objective.goal {
            goal.share_ppm = Some(950_000);
        }
    }
    report
}

#[test]
fn the_first_miss_is_reported_with_its_load() {
    let missed = report(30, |second| (if second < 12 { 2 } else { 20 }, 10.0));
    let first = first_miss(&missed).unwrap();
    assert_eq!((first.at_ms, first.vus, first.rate), (12_000, 12, 700.0));
    let text = describe(&first).message;
    assert!(
        text.ends_with("12 s after the start, at 12 VUs and 700 requests/s; over the whole run it is met"),
        "{text}"
    );
    let always = report(3, |_| (100, 10.0));
    assert_eq!(first_miss(&always).unwrap().at_ms, 0);
}

#[test]
fn a_miss_that_lasts_to_the_end_has_the_load_before_it() {
    let mut missed = report(30, |second| (if second < 29 { 2 } else { 20 }, 10.0));
    let slices = &mut missed.run.timeline.slices;
    slices.iter_mut().for_each(|slice| slice.vus = 5);
    // The last section lasts until the load has ended.
    let last = slices.last_mut().unwrap();
    (last.to_ms, last.vus, last.planned_vus) = (60_000, 0, 0);
    let first = first_miss(&missed).unwrap();
    assert_eq!((first.at_ms, first.vus), (29_000, 5));
    // Earlier sections have their own load.
    let mut falling = report(30, |second| (if second < 10 { 2 } else { 20 }, 10.0));
    falling.run.timeline.slices.iter_mut().for_each(|slice| slice.vus = if slice.from_ms < 10_000 { 100 } else { 10 });
    falling.run.timeline.slices.iter_mut().for_each(|slice| slice.planned_vus = 0);
    let first = first_miss(&falling).unwrap();
    assert_eq!((first.at_ms, first.vus), (10_000, 10));
}

#[test]
fn a_miss_from_the_start_of_a_constant_load_is_not_repeated() {
    let mut missed = report(30, |_| (100, 10.0));
    // One slow endpoint has a finding of its own.
    let is_first = |finding: &Finding| finding.message.starts_with("first missed");
    assert!(crate::interpretation::interpret(&missed).iter().any(is_first), "the load grows");
    missed.run.timeline.slices.iter_mut().for_each(|slice| slice.phase = Some(Phase::Steady));
    assert!(crate::interpretation::interpret(&missed).iter().any(is_first), "the whole run is met");
    let id = first_miss(&missed).unwrap().objective.id.clone();
    missed.objectives.iter_mut().find(|objective| objective.id == id).unwrap().verdict = Verdict::Missed;
    assert!(!crate::interpretation::interpret(&missed).iter().any(is_first));
}

#[test]
fn an_objective_that_is_just_met_is_rarely_called_missed() {
    use rand::{RngExt as _, SeedableRng as _};
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    let runs = 200;
    let missed = (0..runs).filter(|_| {
        let draws: Vec<u64> =
            (0..60).map(|_| (0..100).filter(|_| rng.random_range(0..20) == 0).count() as u64).collect();
        first_miss(&report(60, |second| (draws[usize::try_from(second).unwrap()], 10.0))).is_some()
    });
    // Seven endpoints with a probability of one thousandth each. Without the correction, most runs
    // would have a miss.
    assert!(missed.count() <= 5);
}

#[test]
fn random_variation_is_not_a_miss() {
    // Just met, with normal variation.
    assert_eq!(first_miss(&report(120, |second| (if second % 2 == 0 { 3 } else { 7 }, 10.0))), None);
    let share = Ratio::percent(95);
    assert!(!is_missed(share, 4, 10, 100) && is_missed(share, 7, 10, 100));
}

#[test]
fn a_report_without_the_share_has_no_first_miss() {
    let mut report = report(30, |_| (100, 10.0));
    assert!(first_miss(&report).is_some());
    for objective in &mut report.objectives {
        if let Goal::Latency(goal) = &mut objective.goal {
            goal.share_ppm = None;
        }
    }
    assert_eq!(first_miss(&report), None);
}

#[test]
fn growing_latency_is_reported_under_steady_load_only() {
    let grows = report(400, |second| (0, if second < 5 { 500.0 } else { 10.0 + second as f64 / 50.0 }));
    let finding = drift(&grows).unwrap();
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.message.starts_with("latency under steady load drifts by +72.0"), "{}", finding.message);
    let level = report(400, |second| (0, 10.0 + (second * 7919 % 13) as f64 / 10.0));
    assert!(drift(&level).unwrap().message.contains("does not drift"));
    assert_eq!(drift(&report(200, |_| (0, 10.0))), None, "too short");
}
