//! Rows of the table of objectives. Each output format only decorates them.

use crate::findings::describe_measured;
use crate::format::{count, interval, millis};
use crate::judgement::ObjectiveResult;
use crate::mark::{LoadEnd, Mark};

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
            requests: result.tally().map(|tally| count(tally.total)).unwrap_or_default(),
            good: result.good().map(count).unwrap_or_default(),
            response_time: result.response_ms().map(millis).unwrap_or_default(),
            interval: result.interval_ms().map(|(low, high)| interval(low, high)).unwrap_or_default(),
        }
    }
}

/// Rows of the objectives that were judged. Endpoints without requests have a note instead.
pub(super) fn judged(objectives: &[ObjectiveResult], end: LoadEnd) -> impl Iterator<Item = ObjectiveRow<'_>> {
    available(objectives, end).filter(|row| row.result.verdict.is_judged())
}

/// Rows of all objectives but those whose values are not available, and those of endpoints without
/// requests.
pub(super) fn available(objectives: &[ObjectiveResult], end: LoadEnd) -> impl Iterator<Item = ObjectiveRow<'_>> {
    let shown = objectives.iter().filter(|it| it.not_available().is_none() && !it.is_not_requested());
    shown.map(move |it| ObjectiveRow::new(it, end))
}
