//! The excuses of a run: queries that may be empty after it. All others must have data.

use std::time::Duration;

use dashboards::queries::{PlacedQuery, QueryPlace};
use dashboards::query::QueryKind;
use dashboards::service_dashboard;
use monitoring::excuse::Excuse;
use monitoring::intervals::PUSH_INTERVAL;
use monitoring::measure::Reading;
use monitoring::prometheus::recording_rules::Timing;
use monitoring::promql::{Expr, Window};
use perf_report::Report;
use perf_report::judgement::Goal;

use crate::perf::prove::backend::exposed_metrics::ExposedMetrics;
use crate::perf::prove::store::window::step;
use crate::stack::dashboard_link::RunWindow;

/// The least length of a run whose lines all have data. The first push comes a moment after the
/// start.
const LEAST_FOR_LINES: Duration = Duration::from_secs(PUSH_INTERVAL.as_secs() + 1);

/// The facts about a run and its backend that excuse queries without data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Excuses<'a> {
    pub(crate) report: &'a Report,
    pub(crate) push_interval: Duration,
    /// Why the store has no scrapes of the backend. `None` if it must have them.
    pub(crate) no_scrapes: Option<Excuse>,
    pub(crate) exposed: &'a ExposedMetrics,
}

impl Excuses<'_> {
    /// Why a query may be empty in a window. `None` if it must have data.
    pub(crate) fn find(&self, placed: &PlacedQuery, window: RunWindow) -> Option<Excuse> {
        let own = placed.query.excuse.filter(|_| !self.must_have_data(placed));
        let is_mark = matches!(placed.place, QueryPlace::Annotation(_));
        let excuses = [
            (self.lacks_series(&placed.query.expr), Excuse::NotExposed),
            (self.needs_more_pushes(placed), Excuse::FewPushes),
            (is_mark && step(window) > service_dashboard::MARK, Excuse::LongSteps),
            (self.is_not_requested(placed), Excuse::NotRequested),
            (self.is_requested_late(placed), Excuse::FewPushes),
        ];
        let no_scrapes = self.no_scrapes.filter(|_| placed.query.expr.is_about_backend());
        own.or(no_scrapes).or_else(|| excuses.into_iter().find_map(|(applies, excuse)| applies.then_some(excuse)))
    }

    /// Whether a query is about an objective for which the report has data. A rule on a value a
    /// second needs a whole window, and then a step of the query. One on a measure needs a step
    /// between the push after the first value and the end. Each iteration may record it at its end.
    fn must_have_data(&self, placed: &PlacedQuery) -> bool {
        let id = placed.query.subject.objective.as_ref();
        let objective = self.report.objectives.iter().find(|objective| Some(&objective.id) == id);
        objective.is_some_and(|objective| {
            let least = match objective.goal {
                Goal::Measure { .. } | Goal::Value { reading: Reading::Count | Reading::Last, .. } => {
                    self.longest_iteration() + self.time_to_show()
                }
                _ if objective.goal.is_per_second() => Timing::USUAL.window * 2,
                _ => Duration::ZERO,
            };
            objective.tally().is_some_and(|tally| tally.total > 0) && self.report.duration() >= least
        })
    }

    /// Whether the backend does not expose a series of its own that a query selects.
    fn lacks_series(&self, expr: &Expr) -> bool {
        expr.scraped().any(|series| !self.exposed.has_series(series))
    }

    /// The window of a query. Lines of a short run get one step more than the dashboard shows. That
    /// step is after the last push, so it looks back on the two pushes that a rate needs.
    pub(crate) fn window(&self, placed: &PlacedQuery, shown: RunWindow) -> RunWindow {
        if placed.kind == QueryKind::Range && self.is_short() { shown.with_a_step_more() } else { shown }
    }

    /// Whether the steps of the shown window could miss all but one push of the run.
    fn is_short(&self) -> bool {
        self.report.duration() < self.push_interval.max(PUSH_INTERVAL) * 2
    }

    /// Whether a query needs more pushes than a short run has, whatever the window. A line of a
    /// gauge needs a step within the run, and Grafana's steps are [`PUSH_INTERVAL`] apart. A
    /// table's cell that is made from a line needs two steps.
    fn needs_more_pushes(&self, placed: &PlacedQuery) -> bool {
        let is_line = |part: &Expr| matches!(part, Expr::Subquery(_, Window::Range, _));
        let is_cell = placed.query.expr.parts().any(is_line);
        let has_lost_pushes = self.report.run.store.as_ref().is_some_and(|store| store.refused > 0);
        let has_few = self.report.duration() < LEAST_FOR_LINES || has_lost_pushes;
        self.is_short() && (is_cell || placed.kind == QueryKind::Range && has_few)
    }

    /// The p95 of the part with the longest iterations.
    fn longest_iteration(&self) -> Duration {
        let parts = self.report.run.plan.parts.iter();
        let times = parts.filter_map(|part| Duration::try_from_secs_f64(part.iteration_ms?.p95 / 1e3).ok());
        times.max().unwrap_or_default()
    }

    /// Time from a first value until lines have it for certain: the next push has it, and a step
    /// comes after that.
    fn time_to_show(&self) -> Duration {
        self.push_interval + LEAST_FOR_LINES
    }

    /// Whether a query is about endpoints that were first requested shortly before the end of the
    /// load, such as a logout. Only the last push has them.
    fn is_requested_late(&self, placed: &PlacedQuery) -> bool {
        let slices = &self.report.run.timeline.slices;
        let first = |name: &&str| slices.iter().find(|slice| slice.endpoints.contains_key(*name));
        let first = placed.query.subject.endpoints.iter().filter_map(first).min_by_key(|slice| slice.to_ms);
        first.is_some_and(|slice| {
            slice.from_ms > 0 && Duration::from_millis(slice.to_ms) + self.time_to_show() > self.report.duration()
        })
    }

    /// Whether a query is about endpoints, and the run made no request to any of them.
    fn is_not_requested(&self, placed: &PlacedQuery) -> bool {
        let endpoints = &placed.query.subject.endpoints;
        let requested = || self.report.endpoints.iter().filter(|endpoint| endpoint.requests.sent > 0);
        !endpoints.is_empty() && !endpoints.iter().any(|name| requested().any(|endpoint| endpoint.name == *name))
    }
}

#[cfg(test)]
mod tests;
