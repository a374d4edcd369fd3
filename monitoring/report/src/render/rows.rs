//! Rows of the table of objectives. Each output format only decorates them.

use crate::findings::describe_measured;
use crate::format::{count, counted, interval, millis};
use crate::judgement::{ObjectiveResult, REQUEST};
use crate::mark::{LoadEnd, Mark};
use crate::verdict::Reason;

/// An objective and its result. A text is empty if there is no such value.
pub(super) struct ObjectiveRow<'a> {
    pub(super) result: &'a ObjectiveResult,
    pub(super) mark: Mark,
    pub(super) endpoint: &'a str,
    pub(super) objective: &'a str,
    pub(super) measured: String,
    /// All requests, values or tries, as the heading of the table says.
    pub(super) counted: String,
    pub(super) good: String,
    pub(super) response_time: String,
    pub(super) interval: String,
}

pub(super) struct ObjectiveRows<'a> {
    pub(super) rows: Vec<ObjectiveRow<'a>>,
    /// Heading of the column with counts. If not all rows count requests, each has its noun.
    pub(super) counted: &'static str,
}

impl<'a> ObjectiveRows<'a> {
    fn new(shown: impl Iterator<Item = &'a ObjectiveResult>, end: LoadEnd) -> Self {
        let shown: Vec<_> = shown.collect();
        let of_requests = shown.iter().all(|it| matches!(it.goal.counted_noun(), None | Some(REQUEST)));
        let row = |it| ObjectiveRow::new(it, end, of_requests);
        Self { rows: shown.into_iter().map(row).collect(), counted: if of_requests { "requests" } else { "counted" } }
    }
}

impl<'a> ObjectiveRow<'a> {
    fn new(result: &'a ObjectiveResult, end: LoadEnd, of_requests: bool) -> Self {
        let total = |noun, total| if of_requests { count(total) } else { counted(total, noun) };
        Self {
            result,
            mark: Mark::for_objective(result, end),
            endpoint: &result.subject,
            objective: &result.objective,
            measured: describe_measured(result).unwrap_or_default(),
            counted: result.counted().map(|(tally, noun)| total(noun, tally.total)).unwrap_or_default(),
            good: result.counted().map(|(tally, _)| count(tally.good)).unwrap_or_default(),
            response_time: result.response_ms().map(millis).unwrap_or_default(),
            interval: result.interval_ms().map(|(low, high)| interval(low, high)).unwrap_or_default(),
        }
    }
}

/// Rows of the objectives that were judged. Endpoints without requests have a note instead.
pub(super) fn judged(objectives: &[ObjectiveResult], end: LoadEnd) -> ObjectiveRows<'_> {
    ObjectiveRows::new(with_values(objectives, end).filter(|it| it.verdict.is_judged()), end)
}

/// Rows of all objectives whose values are available. Endpoints without requests have no row, nor
/// have objectives without data because the load was cut short.
pub(super) fn available(objectives: &[ObjectiveResult], end: LoadEnd) -> ObjectiveRows<'_> {
    ObjectiveRows::new(with_values(objectives, end), end)
}

fn with_values(objectives: &[ObjectiveResult], end: LoadEnd) -> impl Iterator<Item = &ObjectiveResult> {
    let is_cut =
        move |it: &ObjectiveResult| end == LoadEnd::CutShort && it.verdict.reason().is_some_and(Reason::is_absence);
    let is_left_out = move |it: &ObjectiveResult| it.not_available().is_some() || it.is_not_requested() || is_cut(it);
    objectives.iter().filter(move |it| !is_left_out(it))
}
