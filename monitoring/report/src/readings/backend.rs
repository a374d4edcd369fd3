//! What the backend's own metrics mean.

use crate::finding::{Finding, FindingKind, Severity, Subject};
use crate::verdict::Verdict;
use crate::{CacheResult, Goal, ObjectiveResult, Report};

/// A cache that has less of what is looked for saves little.
const WORTHWHILE: f64 = 0.8;
/// With fewer look-ups, most of what was not there was asked for the first time.
const COLD: f64 = 1_000.0;

/// What the backend ran short of.
pub(super) fn resources(report: &Report) -> Option<Finding> {
    let missed = || report.objectives.iter().filter(|objective| objective.verdict == Verdict::Missed);
    let named: Vec<_> = missed().filter_map(describe).collect();
    let cause = if missed().any(|objective| objective.goal.is_latency()) {
        ": the bottleneck, as likely as not, of what is slower than promised"
    } else {
        ": nothing is slower than promised yet"
    };
    let message = format!("the backend uses more than it was promised to: {}{cause}", named.join(", "));
    (!named.is_empty())
        .then(|| Finding::new(Severity::Problem, Subject::Backend, FindingKind::BackendResource, message))
}

fn describe(objective: &ObjectiveResult) -> Option<String> {
    let Goal::Backend { measure, .. } = objective.goal else { return None };
    let value = objective.backend_value()?.value;
    let name = objective.id.strip_prefix("backend:").unwrap_or(&objective.id);
    Some(format!("{name} at {} ({} was promised)", measure.describe(value), objective.objective))
}

/// What each cache is worth.
pub(super) fn caches(report: &Report) -> Vec<Finding> {
    let reading = |cache: &CacheResult| {
        let share = cache.hits / cache.lookups;
        let (severity, then) = if share >= WORTHWHILE {
            (Severity::Good, "")
        } else if cache.lookups < COLD {
            (Severity::Good, ": too few to tell what it is worth")
        } else {
            (Severity::Warning, ": too small, too short-lived, or looked into for what is never asked twice")
        };
        let message = format!(
            "cache {} had {:.1} % of what was looked for, of {:.0} look-ups{then}",
            cache.name,
            share * 100.0,
            cache.lookups
        );
        Finding::new(severity, Subject::Backend, FindingKind::BackendCache, message)
    };
    report.caches.iter().map(reading).collect()
}
