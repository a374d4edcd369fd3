//! The source of query results: Grafana's data source, as in a viewer's browser, or Prometheus
//! itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dashboards::query::QueryKind;
use monitoring::promql;
use prometheus_store::prometheus_client::seconds;
use prometheus_store::response::{self, LoadedRule, QueryResult, Series};
use prometheus_store::{PrometheusClient, QueryError, Range, StoreAccess};
use url::Url;

use super::grafana::Grafana;
use super::window::step;
use crate::host::clock::Moment;
use crate::host::http;
use crate::stack::dashboard_link::RunWindow;

/// Number of queries under way. A hosted store may need a third of a second for each.
pub(crate) const AT_ONCE: usize = 8;
/// The minimum of Grafana's `$__rate_interval`, in scrape intervals.
const SCRAPES: u32 = 4;

/// The store that queries go to, and the Grafana before it.
#[derive(Debug, Clone)]
pub(crate) struct QuerySource {
    prometheus: PrometheusClient,
    grafana: Option<Arc<Grafana>>,
    /// Whether a query to Prometheus timed out. Later queries are not sent: hundreds would time
    /// out, too.
    is_silent: Arc<AtomicBool>,
}

impl QuerySource {
    /// `access` is for the store. The stack's Grafana needs no credentials.
    pub(crate) fn new(prometheus: Url, grafana: Option<Url>, access: &StoreAccess) -> anyhow::Result<Self> {
        let grafana = grafana.map(Grafana::new).transpose()?.map(Arc::new);
        let prometheus = http::prometheus(&prometheus, access)?;
        Ok(Self { prometheus, grafana, is_silent: Arc::default() })
    }

    /// Whether queries go through Grafana.
    pub(crate) fn is_grafana(&self) -> bool {
        self.grafana.as_ref().is_some_and(|grafana| grafana.gave_up().is_none())
    }

    /// The reason why queries do not go through Grafana any more.
    pub(crate) fn gave_up_on_grafana(&self) -> Option<String> {
        self.grafana.as_ref()?.gave_up()
    }

    /// Makes a query, through Grafana if it is available.
    ///
    /// Grafana's variables for windows, such as `$__range`, are replaced by Grafana or by this
    /// crate.
    pub(crate) async fn ask(&self, expr: &str, kind: QueryKind, window: RunWindow) -> anyhow::Result<QueryResult> {
        if let Some(grafana) = &self.grafana
            && let Some(found) = grafana.ask(expr, kind, window).await
        {
            return Ok(found);
        }
        self.ask_prometheus(expr, kind, window).await
    }

    async fn ask_prometheus(&self, expr: &str, kind: QueryKind, window: RunWindow) -> anyhow::Result<QueryResult> {
        let step = step(window);
        let expr = fill_in_windows(expr, step, window);
        anyhow::ensure!(
            !self.is_silent.load(Ordering::Relaxed),
            "not queried: an earlier query to Prometheus timed out"
        );
        let RunWindow { from_ms, to_ms } = window;
        let result = match kind {
            QueryKind::Instant => self.prometheus.instant(&expr, Some(to_ms)).await,
            QueryKind::Range => self.prometheus.range(&expr, Range { from_ms, to_ms, step }).await,
        };
        let is_late = result.as_ref().is_err_and(QueryError::is_timeout);
        self.is_silent.fetch_or(is_late, Ordering::Relaxed);
        Ok(response::query_result(&result?))
    }

    /// The single value of an expression at a time; `None` for an empty result.
    pub(crate) async fn value(&self, expr: &str, at_ms: i64) -> anyhow::Result<Option<f64>> {
        Ok(self.prometheus.value(expr, at_ms).await?)
    }

    /// Series over a window with a step of 1 s, or the finest step that Prometheus allows for a
    /// long window.
    pub(crate) async fn series(&self, expr: &str, from: Moment, to: Moment) -> anyhow::Result<Vec<Series>> {
        Ok(self.prometheus.series(expr, Range::finest(from.0, to.0)).await?)
    }

    /// The samples of a selector with a window up to that time, or the values of a subquery.
    pub(crate) async fn samples(&self, selector: &str, until: Moment) -> anyhow::Result<Vec<Series>> {
        Ok(self.prometheus.samples(selector, until.0).await?)
    }

    /// Series of alerts that were pending or firing in a window.
    pub(crate) async fn alerts(&self, from: Moment, to: Moment) -> anyhow::Result<Vec<Series>> {
        Ok(self.prometheus.alerts(Range::finest(from.0, to.0)).await?)
    }

    /// Whether any alert is pending or firing now.
    pub(crate) async fn are_alerts_active(&self) -> anyhow::Result<bool> {
        let now = Moment::now();
        Ok(!self.alerts(now, now).await?.is_empty())
    }

    /// The values of a label of the selected series in a window.
    pub(crate) async fn label_values(
        &self,
        label: &str,
        selector: &str,
        window: RunWindow,
    ) -> anyhow::Result<Vec<String>> {
        let path = format!("label/{label}/values");
        let query =
            [("match[]", selector.to_owned()), ("start", seconds(window.from_ms)), ("end", seconds(window.to_ms))];
        let through_grafana = match &self.grafana {
            Some(grafana) => grafana.resource(&path, &query).await?,
            None => None,
        };
        match through_grafana {
            Some(values) => Ok(response::label_values(&values)?),
            None => Ok(self.prometheus.label_values(label, selector, window.from_ms, window.to_ms).await?),
        }
    }

    pub(crate) async fn rules(&self) -> anyhow::Result<Vec<LoadedRule>> {
        Ok(self.prometheus.rules().await?)
    }
}

/// Replaces Grafana's variables for windows as Grafana does.
fn fill_in_windows(expr: &str, step: Duration, window: RunWindow) -> String {
    let push = monitoring::intervals::PUSH_INTERVAL;
    let range = u64::try_from(window.to_ms - window.from_ms).unwrap_or_default().div_ceil(1_000).max(1);
    let rate_interval = (step + push).max(push * SCRAPES);
    expr.replace("$__rate_interval", &promql::duration(rate_interval)).replace("$__range", &format!("{range}s"))
}

#[cfg(test)]
mod tests;
