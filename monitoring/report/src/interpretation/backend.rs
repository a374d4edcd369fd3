//! Findings about the backend's own metrics.

use monitoring::backend_slo::BackendSlo;

use crate::Report;
use crate::evidence::CacheResult;
use crate::finding::{Finding, FindingKind, Severity, Subject};
use crate::format::{backend_value, counted, percent_with};
use crate::judgement::{Goal, ObjectiveResult};
use crate::verdict::Verdict;

/// Share of hits from which a cache is worth having.
const GOOD_HITS: f64 = 0.8;
/// With fewer lookups, most misses are first lookups of a key.
const WARM_LOOKUPS: f64 = 1_000.0;

/// Finding about missed objectives on the backend's own metrics.
pub(super) fn resources(report: &Report) -> Option<Finding> {
    let missed = || report.objectives.iter().filter(|objective| objective.verdict == Verdict::Missed);
    let named: Vec<_> = missed().filter_map(describe).collect();
    let cause = if missed().any(|objective| objective.goal.is_latency()) {
        ". Latencies are over their objectives, too: check whether both began at the same time"
    } else {
        ". No latency is over its objective yet"
    };
    let message = format!("the backend misses objectives on its own metrics: {}{cause}", named.join(", "));
    (!named.is_empty())
        .then(|| Finding::new(Severity::Problem, Subject::Backend, FindingKind::BackendResource, message))
}

fn describe(objective: &ObjectiveResult) -> Option<String> {
    let Goal::Backend { measure, .. } = objective.goal else { return None };
    let value = objective.backend_value()?.value;
    Some(format!(
        "{} at {} (objective: {})",
        BackendSlo::name_without_prefix(&objective.id),
        backend_value(measure, value),
        objective.objective
    ))
}

/// A finding for each cache, about its share of hits.
pub(super) fn caches(report: &Report) -> Vec<Finding> {
    let finding = |cache: &CacheResult| {
        let share = cache.hits / cache.lookups;
        let (severity, judgement) = if share >= GOOD_HITS {
            (Severity::Good, "")
        } else if cache.lookups < WARM_LOOKUPS {
            (Severity::Good, ", too few to judge the cache")
        } else {
            (Severity::Warning, ". It is too small, its entries expire too soon, or keys are rarely requested twice")
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lookups are positive")]
        let lookups = counted(cache.lookups.round() as u64, "lookup");
        let message = format!("cache {} had {} hits in {lookups}{judgement}", cache.name, percent_with(share, 1));
        Finding::new(severity, Subject::Backend, FindingKind::BackendCache, message)
    };
    report.run.caches.iter().map(finding).collect()
}
