//! What the backend's own metrics mean.

use super::{Band, Reading};
use crate::judgement::{Kind, ObjectiveResult, Report, Word};

/// A cache that has less of what is looked for saves little.
const WORTHWHILE: f64 = 0.8;
/// With fewer look-ups, most of what was not there was asked for the first time.
const COLD: f64 = 1_000.0;

/// What the backend ran short of.
pub(super) fn resources(report: &Report) -> Option<Reading> {
    let missed = |objective: &&ObjectiveResult| objective.kind == Kind::Backend && objective.verdict == Word::Missed;
    let named: Vec<_> = report.objectives.iter().filter(missed).filter_map(in_words).collect();
    let too_slow = |objective: &ObjectiveResult| objective.kind == Kind::Latency && objective.verdict == Word::Missed;
    let cause = if report.objectives.iter().any(too_slow) {
        ": the bottleneck, as likely as not, of what is slower than promised"
    } else {
        ": nothing is slower than promised yet"
    };
    (!named.is_empty()).then(|| Reading {
        band: Band::Problem,
        text: format!("the backend uses more than it was promised to: {}{cause}", named.join(", ")),
    })
}

fn in_words(objective: &ObjectiveResult) -> Option<String> {
    let measured = objective.measured?;
    let name = objective.id.strip_prefix("backend:").unwrap_or(&objective.id);
    Some(format!("{name} at {} ({} was promised)", measured.measure.in_words(measured.value), objective.promise))
}

/// What each cache is worth.
pub(super) fn caches(report: &Report) -> Vec<Reading> {
    let reading = |cache: &crate::judgement::CacheResult| {
        let share = cache.hits / cache.lookups;
        let (band, then) = if share >= WORTHWHILE {
            (Band::Good, "")
        } else if cache.lookups < COLD {
            (Band::Good, ": too few to tell what it is worth")
        } else {
            (Band::Warning, ": too small, too short-lived, or looked into for what is never asked twice")
        };
        let text = format!(
            "cache {} had {:.1} % of what was looked for, of {:.0} look-ups{then}",
            cache.name,
            share * 100.0,
            cache.lookups
        );
        Reading { band, text }
    };
    report.caches.iter().map(reading).collect()
}
