//! The link to a run's dashboard in Grafana.

use dashboards::service_dashboard;
use perf_report::Report;
use url::Url;

/// The URL of the dashboard with the run selected and its window set.
///
/// The window ends exactly with the run: panels with a single value look back from its end.
pub(crate) fn dashboard_link(grafana: &Url, report: &Report) -> Option<Url> {
    let uid = service_dashboard::uid(&report.run.service);
    let mut link = grafana.join(&format!("d/{uid}")).ok()?;
    // Users open Grafana as "localhost", and the cookie of its session is bound to the name.
    link.set_host(Some("localhost")).ok()?;
    let RunWindow { from_ms, to_ms } = RunWindow::shown(report);
    link.query_pairs_mut()
        .append_pair("from", &from_ms.to_string())
        .append_pair("to", &to_ms.to_string())
        .append_pair("var-testid", &report.run.testid)
        .extend_pairs(report.scenarios().into_iter().map(|scenario| ("var-scenario", scenario)));
    Some(link)
}

/// A window in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RunWindow {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

impl RunWindow {
    /// The window in which a run is shown: from 5 s before its start to the end of its series.
    pub(crate) fn shown(report: &Report) -> Self {
        const MARGIN_MS: i64 = 5_000;
        Self { from_ms: report.run.started_unix_ms - MARGIN_MS, to_ms: report.series_end_unix_ms() }
    }
}

#[cfg(test)]
mod tests;
