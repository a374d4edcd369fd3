//! How a run went over time: where the first promise broke, and whether latency drifts while load holds.

use monitoring::phase::Phase;
use statrs::distribution::{Binomial, DiscreteCDF};

use super::slope::Slope;
use crate::finding::{Finding, FindingKind, Severity, Subject};
use crate::verdict::Verdict;
use crate::{Millis, ObjectiveResult, Report, Slice};

/// How rarely a promise that is just kept may look broken for a while, in all sections of a run together.
const CHANCE: f64 = 0.001;
/// A run that holds its load for less has no drift worth the name.
const LONG_MS: u64 = 300_000;

/// A promise that was not kept for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Break<'a> {
    /// The promise.
    pub objective: &'a ObjectiveResult,
    /// From when on, milliseconds after the load began.
    pub at_ms: u64,
    /// The load that there was then.
    pub vus: u32,
    /// Requests a second of all endpoints then.
    pub rate: f64,
}

/// The first promise to break, of all on latency.
pub fn first_break(report: &Report) -> Option<Break<'_>> {
    let of_latency = report.objectives.iter().filter(|objective| objective.goal.is_latency());
    let breaks = of_latency.filter_map(|objective| Some((broken_at(objective, &report.timeline.slices)?, objective)));
    let (at, objective) = breaks.min_by_key(|(at, _)| *at)?;
    let slice = &report.timeline.slices[at];
    #[expect(clippy::cast_precision_loss, reason = "a rate for eyes")]
    let rate = slice.requests as f64 * 1e3 / slice.to_ms.saturating_sub(slice.from_ms).max(1) as f64;
    Some(Break { objective, at_ms: slice.from_ms, vus: slice.vus.max(slice.planned_vus), rate })
}

/// The first section from which on so many requests were bad that chance alone would hardly do it. As few requests make a poor
/// percentile, sections are taken together until they say something, or there are none left to take.
fn broken_at(objective: &ObjectiveResult, slices: &[Slice]) -> Option<usize> {
    /// Sections taken together.
    const MOST: usize = 10;
    let counts = |slice: &Slice| {
        let of = slice.endpoints.get(&objective.subject)?;
        Some((of.requests - of.good?.min(of.requests), of.requests))
    };
    for end in 0..slices.len() {
        let (mut bad, mut all) = (0, 0);
        for begin in (end.saturating_sub(MOST - 1)..=end).rev() {
            let Some((bad_here, all_here)) = counts(&slices[begin]) else { continue };
            bad += bad_here;
            all += all_here;
            if bad_here > 0 && is_broken(objective.goal.share_ppm().unwrap_or(0), bad, all, slices.len() * MOST) {
                return Some(begin);
            }
        }
    }
    None
}

/// Whether there would hardly be as many bad requests if just as many were bad as may be.
fn is_broken(ppm: u32, bad: u64, all: u64, looks: usize) -> bool {
    let may_be_bad = f64::from(1_000_000 - ppm.min(1_000_000)) / 1e6;
    let Ok(distribution) = Binomial::new(may_be_bad, all) else { return false };
    // Bonferroni: so often is looked that something would look broken by and by.
    #[expect(clippy::cast_precision_loss, reason = "some hundred sections")]
    let level = CHANCE / looks.max(1) as f64;
    bad > 0 && ppm > 0 && distribution.sf(bad - 1) < level
}

pub(super) fn readings(report: &Report) -> Vec<Finding> {
    first_break(report).map(|first| describe(&first)).into_iter().chain(drift(report)).collect()
}

fn describe(first: &Break<'_>) -> Finding {
    let Break { objective, at_ms, vus, rate } = first;
    let (severity, then) = match objective.verdict {
        Verdict::Missed => (Severity::Problem, ""),
        _ => (Severity::Warning, "; over the whole run it was kept"),
    };
    let when =
        if *at_ms == 0 { "from the start on".to_owned() } else { format!("{} s after the start", at_ms / 1_000) };
    let message = format!(
        "the first promise to break was {} {}, {when}, at {vus} VUs and {rate:.0} req/s{then}",
        objective.subject, objective.objective
    );
    Finding::new(severity, Subject::Objective(objective.subject.clone()), FindingKind::FirstMiss, message)
}

/// Whether latency goes up or down while the load holds.
fn drift(report: &Report) -> Option<Finding> {
    let steady: Vec<_> = report.timeline.slices.iter().filter(|slice| slice.phase == Some(Phase::Steady)).collect();
    if steady.iter().map(|slice| slice.to_ms - slice.from_ms).sum::<u64>() < LONG_MS {
        return None;
    }
    let points: Vec<_> = steady.into_iter().filter_map(|slice| point(report, slice)).collect();
    let slope = Slope::of(&points)?;
    let (first, last) = (points.first()?.0, points.last()?.0);
    let level = points.iter().map(|point| point.1).sum::<f64>() / f64::from(u32::try_from(points.len()).ok()?);
    // What goes up by a fifth in the time that was looked at is more than an accident of a long run.
    let grows = slope.is_sure() && slope.per_hour * (last - first) / 3_600.0 > level / 5.0;
    let severity = if grows { Severity::Warning } else { Severity::Good };
    let message = slope.describe("latency under steady load", 1.0, "ms");
    Some(Finding::new(severity, Subject::Target, FindingKind::Drift, message))
}

/// A section's middle in seconds, and the median latency of its requests: of each endpoint, weighted by its share of all requests
/// of the run, so that a change of the mix is no change of latency.
fn point(report: &Report, slice: &Slice) -> Option<(f64, f64)> {
    #[expect(clippy::cast_precision_loss, reason = "weights and times")]
    let float = |count: u64| count as f64;
    let (mut sum, mut weights) = (0.0, 0.0);
    for endpoint in &report.endpoints {
        let weight = float(endpoint.requests.sent);
        let Some(Millis::Finite(p50)) = slice.endpoints.get(&endpoint.name).map(|of| of.p50_ms) else { return None };
        sum += weight * p50;
        weights += weight;
    }
    (weights > 0.0).then(|| (float(slice.from_ms + slice.to_ms) / 2e3, sum / weights))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Goal, SliceOfEndpoint};

    /// A report whose endpoints have so many bad requests of a hundred, and that median, in each second.
    fn report(seconds: u64, of: impl Fn(u64) -> (u64, f64)) -> Report {
        let mut report = Report::sample();
        report.timeline.slices = (0..seconds)
            .map(|second| {
                let (bad, ms) = of(second);
                let endpoint = SliceOfEndpoint {
                    requests: 100,
                    failed: 0,
                    good: Some(100 - bad),
                    p50_ms: Millis::Finite(ms),
                    p95_ms: Millis::Finite(ms),
                };
                Slice {
                    from_ms: second * 1_000,
                    to_ms: (second + 1) * 1_000,
                    phase: Some(if second < 5 { Phase::Ramp } else { Phase::Steady }),
                    planned_vus: u32::try_from(second).unwrap(),
                    requests: 700,
                    endpoints: report.endpoints.iter().map(|of| (of.name.clone(), endpoint)).collect(),
                    ..Slice::default()
                }
            })
            .collect();
        for objective in &mut report.objectives {
            if let Goal::Latency(goal) = &mut objective.goal {
                goal.share_ppm = 950_000;
            }
        }
        report
    }

    #[test]
    fn the_first_promise_to_break_is_told_with_its_load() {
        let broken = report(30, |second| (if second < 12 { 2 } else { 20 }, 10.0));
        let first = first_break(&broken).unwrap();
        assert_eq!((first.at_ms, first.vus, first.rate), (12_000, 12, 700.0));
        let text = describe(&first).message;
        assert!(
            text.ends_with("12 s after the start, at 12 VUs and 700 req/s; over the whole run it was kept"),
            "{text}"
        );
        let always = report(3, |_| (100, 10.0));
        assert_eq!(first_break(&always).unwrap().at_ms, 0);
    }

    #[test]
    fn a_promise_that_is_just_kept_is_seldom_called_broken() {
        use rand::{RngExt as _, SeedableRng as _};
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let runs = 200;
        let broken = (0..runs).filter(|_| {
            let draws: Vec<u64> =
                (0..60).map(|_| (0..100).filter(|_| rng.random_range(0..20) == 0).count() as u64).collect();
            first_break(&report(60, |second| (draws[usize::try_from(second).unwrap()], 10.0))).is_some()
        });
        // Seven endpoints, a thousandth each; without the correction it is most of them.
        assert!(broken.count() <= 5);
    }

    #[test]
    fn what_chance_does_is_no_break() {
        // Just kept, with the ups and downs that go with it.
        assert_eq!(first_break(&report(120, |second| (if second % 2 == 0 { 3 } else { 7 }, 10.0))), None);
        assert!(!is_broken(950_000, 4, 10, 100) && is_broken(950_000, 7, 10, 100));
        assert!(!is_broken(0, 5, 5, 1), "a report that does not know what was promised");
    }

    #[test]
    fn latency_that_grows_while_load_holds_is_said_and_a_ramp_is_not_asked() {
        let grows = report(400, |second| (0, if second < 5 { 500.0 } else { 10.0 + second as f64 / 50.0 }));
        let reading = drift(&grows).unwrap();
        assert_eq!(reading.severity, Severity::Warning);
        assert!(reading.message.starts_with("latency under steady load drifts by +72.0"), "{}", reading.message);
        let level = report(400, |second| (0, 10.0 + (second * 7919 % 13) as f64 / 10.0));
        assert!(drift(&level).unwrap().message.contains("does not drift"));
        assert_eq!(drift(&report(200, |_| (0, 10.0))), None, "too short");
    }
}
