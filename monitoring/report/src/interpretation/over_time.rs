//! Findings over time: the first missed objective, and whether latency drifts under steady load.

use crate::format::counted;
use monitoring::phase::Phase;
use monitoring::ratio::Ratio;
use statrs::distribution::{Binomial, DiscreteCDF};

use super::slope::Slope;
use crate::evidence::Slice;
use crate::finding::{Finding, FindingKind, Severity, Subject};
use crate::judgement::ObjectiveResult;
use crate::verdict::Verdict;
use crate::{Millis, Report};

/// Probability that an objective that is just met looks missed in any section of a run.
const CHANCE: f64 = 0.001;
/// Minimum duration of steady load, in milliseconds, for a finding about drift.
const LONG_MS: u64 = 300_000;

/// The first time at which an objective on latency was missed.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstMiss<'a> {
    /// Objective that was missed.
    pub objective: &'a ObjectiveResult,
    /// Beginning of the miss, in milliseconds after load began.
    pub at_ms: u64,
    /// VUs at that time.
    pub vus: u32,
    /// Requests per second at that time, of all endpoints.
    pub rate: f64,
}

/// The first miss of an objective on latency.
pub fn first_miss(report: &Report) -> Option<FirstMiss<'_>> {
    let of_latency = report.objectives.iter().filter(|objective| objective.is_on_timeline());
    let misses =
        of_latency.filter_map(|objective| Some((missed_at(objective, &report.run.timeline.slices)?, objective)));
    let (at, objective) = misses.min_by_key(|(at, _)| *at)?;
    let slices = &report.run.timeline.slices;
    let slice = &slices[at];
    // The last section ends after the load. A stall makes it long.
    let is_last = at + 1 == slices.len();
    let vus_before = at.checked_sub(1).filter(|_| is_last).map_or(0, |before| slices[before].vus);
    #[expect(clippy::cast_precision_loss, reason = "a displayed rate")]
    let rate = slice.requests as f64 * 1e3 / slice.to_ms.saturating_sub(slice.from_ms).max(1) as f64;
    Some(FirstMiss { objective, at_ms: slice.from_ms, vus: slice.vus.max(slice.planned_vus).max(vus_before), rate })
}

/// Index of the first section from which on chance does not explain the number of bad requests. Few
/// requests give an imprecise percentile, so up to `MOST` sections are taken together.
fn missed_at(objective: &ObjectiveResult, slices: &[Slice]) -> Option<usize> {
    /// Limit on sections that are taken together.
    const MOST: usize = 10;
    let counts = |slice: &Slice| {
        let endpoint = slice.endpoints.get(&objective.subject)?;
        Some((endpoint.requests - endpoint.good?.min(endpoint.requests), endpoint.requests))
    };
    let share = Ratio::ppm(objective.goal.share_ppm()?);
    for end in 0..slices.len() {
        let (mut bad, mut all) = (0, 0);
        for begin in (end.saturating_sub(MOST - 1)..=end).rev() {
            let Some((bad_here, all_here)) = counts(&slices[begin]) else { continue };
            bad += bad_here;
            all += all_here;
            if bad_here > 0 && is_missed(share, bad, all, slices.len() * MOST) {
                return Some(begin);
            }
        }
    }
    None
}

/// Whether this number of bad requests is improbable for an objective that is just met. `tests` is
/// the number of such tests in the run.
fn is_missed(share: Ratio, bad: u64, all: u64, tests: usize) -> bool {
    let Ok(distribution) = Binomial::new(share.rest().as_f64(), all) else { return false };
    // Bonferroni: with this many tests, some would reject by chance.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand tests at most")]
    let level = CHANCE / tests.max(1) as f64;
    bad > 0 && distribution.sf(bad - 1) < level
}

impl FirstMiss<'_> {
    /// "from the start", or the time of the miss.
    pub(super) fn describe_time(&self) -> String {
        match self.at_ms {
            0 => "from the start".to_owned(),
            at_ms => format!("{} s after the start", at_ms / 1_000),
        }
    }
}

pub(super) fn describe(first: &FirstMiss<'_>) -> Finding {
    let FirstMiss { objective, vus, rate, .. } = first;
    let whole_run = if objective.verdict == Verdict::Met { "; over the whole run it is met" } else { "" };
    let when = first.describe_time();
    let message = format!(
        "first missed: {} {}, {when}, at {} and {rate:.0} requests/s{whole_run}",
        objective.subject,
        objective.objective,
        counted((*vus).into(), "VU")
    );
    // The miss is the problem. Its time is one more fact about it.
    Finding::warning(Subject::Objective(objective.subject.clone()), FindingKind::FirstMiss, message)
}

/// Finding about a trend of latency under steady load.
pub(super) fn drift(report: &Report) -> Option<Finding> {
    let steady: Vec<_> = report.run.timeline.slices.iter().filter(|slice| slice.phase == Some(Phase::Steady)).collect();
    if steady.iter().map(|slice| slice.to_ms - slice.from_ms).sum::<u64>() < LONG_MS {
        return None;
    }
    let points: Vec<_> = steady.into_iter().filter_map(|slice| point(report, slice)).collect();
    let slope = Slope::fit(&points)?;
    let (first, last) = (points.first()?.0, points.last()?.0);
    let level = points.iter().map(|point| point.1).sum::<f64>() / f64::from(u32::try_from(points.len()).ok()?);
    // In a long run a small slope is significant, too. Only a rise of more than a fifth is a
    // warning.
    let grows = slope.is_significant() && slope.per_hour * (last - first) / 3_600.0 > level / 5.0;
    let severity = if grows { Severity::Warning } else { Severity::Good };
    let message = slope.describe("latency under steady load", 1.0, "ms");
    Some(Finding::new(severity, Subject::Target, FindingKind::Drift, message))
}

/// Middle of a section in seconds, and its latency in milliseconds. The latency is the mean of the
/// endpoints' medians, weighted by their requests in the whole run. So a change of the mix does not
/// change it.
fn point(report: &Report, slice: &Slice) -> Option<(f64, f64)> {
    #[expect(clippy::cast_precision_loss, reason = "weights and times")]
    let float = |count: u64| count as f64;
    let (mut sum, mut weights) = (0.0, 0.0);
    for endpoint in &report.endpoints {
        let weight = float(endpoint.requests.sent);
        let Some(Millis::Finite(p50)) = slice.endpoints.get(&endpoint.name).map(|counts| counts.p50_ms) else {
            return None;
        };
        sum += weight * p50;
        weights += weight;
    }
    (weights > 0.0).then(|| (float(slice.from_ms + slice.to_ms) / 2e3, sum / weights))
}

#[cfg(test)]
mod tests;
