//! Rows of the table of objectives. Each output format only decorates them.

use crate::findings::describe_measured;
use crate::format::{count, counted, interval, millis};
use crate::judgement::{Goal, ObjectiveResult};
use crate::mark::{LoadEnd, Mark};
use crate::verdict::Reason;

/// An objective and its result. A text is empty if there is no such value.
pub(super) struct ObjectiveRow<'a> {
    pub(super) result: &'a ObjectiveResult,
    pub(super) mark: Mark,
    pub(super) endpoint: &'a str,
    pub(super) objective: &'a str,
    pub(super) measured: String,
    pub(super) requests: String,
    pub(super) good: String,
    pub(super) response_time: String,
    pub(super) interval: String,
}

impl<'a> ObjectiveRow<'a> {
    fn new(result: &'a ObjectiveResult, end: LoadEnd) -> Self {
        Self {
            result,
            mark: Mark::for_objective(result, end),
            endpoint: &result.subject,
            objective: &result.objective,
            measured: describe_measured(result).unwrap_or_default(),
            requests: result.tally().map(|tally| describe_total(result, tally.total)).unwrap_or_default(),
            good: result.good().map(count).unwrap_or_default(),
            response_time: result.response_ms().map(millis).unwrap_or_default(),
            interval: result.interval_ms().map(|(low, high)| interval(low, high)).unwrap_or_default(),
        }
    }
}

/// Number of requests, or "10 values" of a measure.
fn describe_total(result: &ObjectiveResult, total: u64) -> String {
    match result.goal {
        Goal::Measure { .. } => counted(total, "value"),
        _ => count(total),
    }
}

/// Rows of the objectives that were judged. Endpoints without requests have a note instead.
pub(super) fn judged(objectives: &[ObjectiveResult], end: LoadEnd) -> impl Iterator<Item = ObjectiveRow<'_>> {
    available(objectives, end).filter(|row| row.result.verdict.is_judged())
}

/// Rows of all objectives but those whose values are not available, those of endpoints without
/// requests, and those without data because the load was cut short.
pub(super) fn available(objectives: &[ObjectiveResult], end: LoadEnd) -> impl Iterator<Item = ObjectiveRow<'_>> {
    let is_cut =
        move |it: &ObjectiveResult| end == LoadEnd::CutShort && it.verdict.reason().is_some_and(Reason::is_absence);
    let is_left_out = move |it: &ObjectiveResult| it.not_available().is_some() || it.is_not_requested() || is_cut(it);
    let shown = objectives.iter().filter(move |it| !is_left_out(it));
    shown.map(move |it| ObjectiveRow::new(it, end))
}
