//! A run that is proven, and the queries for its values.

use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::promql::{Expr, Selector, Window};
use perf_report::Report;
use perf_report::judgement::EndpointResult;

use super::store::query_source::QuerySource;
use crate::host::clock::Moment;

/// A run that is proven: its service with the mapping of the run, and the store that is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProvenRun<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) report: &'a Report,
    pub(crate) source: &'a QuerySource,
}

impl<'a> ProvenRun<'a> {
    /// The results of the requested endpoints, each with its endpoint in the catalogue.
    pub(crate) fn requested(self) -> impl Iterator<Item = (&'a EndpointResult, &'static Endpoint)> {
        self.report.endpoints.iter().filter_map(move |result| Some((result, self.catalogue.endpoint(&result.name)?)))
    }
}

/// The sum of the last values of a run's series, at any time after the run.
pub(crate) fn last_value_of_run(report: &Report, series: Selector) -> Expr {
    series.last(since_start(report)).sum()
}

/// The window from the start of a run to now.
fn since_start(report: &Report) -> Window {
    let since = u64::try_from(now_ms() - report.run.started_unix_ms).unwrap_or_default().div_ceil(1_000) + 60;
    Window::Fixed(Duration::from_secs(since))
}

pub(crate) fn now_ms() -> i64 {
    Moment::now().0
}
