//! The source of query results: Grafana's data source, as in a
//! viewer's browser, or Prometheus itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use monitoring::promql;
use prometheus_store::prometheus_client::seconds;
use prometheus_store::response::{self, Found, Series};
use prometheus_store::{PrometheusClient, QueryError, Range, StoreAccess};
use url::Url;

use super::grafana::Grafana;
use super::window::{RunWindow, step};
use crate::host::clock::Moment;
use crate::host::http;

/// The minimum of Grafana's `$__rate_interval`, in scrape intervals.
const SCRAPES: u32 = 4;

/// The store that queries go to, and the Grafana before it.
#[derive(Debug, Clone)]
pub(crate) struct QuerySource {
    prometheus: PrometheusClient,
    grafana: Option<Arc<Grafana>>,
    /// Whether a query to Prometheus timed out. Later queries are
    /// not sent: hundreds would time out, too.
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
    /// Grafana's variables for windows, such as `$__range`, are
    /// replaced by Grafana or by this crate.
    pub(crate) async fn ask(&self, expr: &str, instant: bool, window: RunWindow) -> anyhow::Result<Found> {
        if let Some(grafana) = &self.grafana
            && let Some(found) = grafana.ask(expr, instant, window).await
        {
            return Ok(found);
        }
        self.ask_prometheus(expr, instant, window).await
    }

    async fn ask_prometheus(&self, expr: &str, instant: bool, window: RunWindow) -> anyhow::Result<Found> {
        let step = step(window);
        let expr = fill_in_windows(expr, step, window);
        anyhow::ensure!(
            !self.is_silent.load(Ordering::Relaxed),
            "not queried: an earlier query to Prometheus timed out"
        );
        let result = if instant {
            self.prometheus.instant(&expr, Some(window.to_ms)).await
        } else {
            self.prometheus.range(&expr, Range { from_ms: window.from_ms, to_ms: window.to_ms, step }).await
        };
        let is_late = result.as_ref().is_err_and(QueryError::is_timeout);
        self.is_silent.fetch_or(is_late, Ordering::Relaxed);
        Ok(response::found(&result?))
    }

    /// The single value of an expression at a time; `None` for an empty result.
    pub(crate) async fn value(&self, expr: &str, at_ms: i64) -> anyhow::Result<Option<f64>> {
        Ok(self.prometheus.value(expr, at_ms).await?)
    }

    /// Series over a window with a step of 1 s, or the finest step
    /// that Prometheus allows for a long window.
    pub(crate) async fn series(&self, expr: &str, from: Moment, to: Moment) -> anyhow::Result<Vec<Series>> {
        Ok(self.prometheus.series(expr, Range::finest(from.0, to.0)).await?)
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

    /// The names of the loaded rules, each with its evaluation error, if any.
    pub(crate) async fn rules(&self) -> anyhow::Result<Vec<(String, Option<String>)>> {
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
mod tests {
    use std::net::TcpListener;

    use test_support::fake_server;

    use super::*;

    const MINUTE: RunWindow = RunWindow { from_ms: 1_000, to_ms: 61_000 };

    #[test]
    fn windows_are_filled_in_as_grafana_does() {
        let text = fill_in_windows("rate(a[$__rate_interval]) + last_over_time(b[$__range])", step(MINUTE), MINUTE);
        assert_eq!(text, "rate(a[20s]) + last_over_time(b[1m])".replace("1m", "60s"));
        let day = RunWindow { from_ms: 0, to_ms: 86_400_000 };
        assert_eq!(
            (step(day), fill_in_windows("[$__rate_interval]", step(day), day)),
            (Duration::from_secs(86), "[91s]".to_owned())
        );
    }

    #[tokio::test]
    async fn after_a_timeout_prometheus_gets_no_more_queries() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let source = QuerySource::new(url, None, &StoreAccess::default()).unwrap();
        let window = RunWindow { from_ms: 0, to_ms: 1_000 };
        let ask = async || format!("{:#}", source.ask("up", true, window).await.unwrap_err());
        let (first, second) = (ask().await, ask().await);
        assert!(!first.contains("not queried") && second.contains("not queried"), "{first}; {second}");
    }

    /// A server that responds to every request with that status and body.
    fn server(status: &'static str, body: &'static str) -> Url {
        Url::parse(&fake_server::respond(move |_| (status, body.to_owned()))).unwrap()
    }

    #[tokio::test]
    async fn without_grafana_queries_go_to_prometheus_with_the_reason() {
        let prometheus = || server("200 OK", r#"{"data":{"result":[{"value":[1,"1"]}]}}"#);
        let gone = Url::parse(&fake_server::unreachable_url()).unwrap();
        let other_password = server("401 Unauthorized", r#"{"statusCode":401,"message":"Unauthorized"}"#);
        let no_plugin = server(
            "404 Not Found",
            r#"{"message":"Plugin not found","messageId":"plugin.notRegistered","statusCode":404}"#,
        );
        let dead_plugin = server(
            "500 Internal Server Error",
            r#"{"message":"Plugin unavailable","messageId":"plugin.unavailable","statusCode":500}"#,
        );
        let proxy = server("502 Bad Gateway", "<html>");
        // Its backlog accepts the connection, and no response ever comes.
        let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
        let hangs = Url::parse(&format!("http://{}", hanging.local_addr().unwrap())).unwrap();
        for (grafana, expected) in [
            (gone, "does not respond"),
            (other_password, "stack restart"),
            (no_plugin, "data source does not work (plugin.notRegistered)"),
            (dead_plugin, "data source does not work (plugin.unavailable)"),
            (proxy, "does not respond"),
            (hangs, "does not respond"),
        ] {
            let source = QuerySource::new(prometheus(), Some(grafana), &Default::default()).unwrap();
            assert!(source.is_grafana());
            for _ in 0..2 {
                assert_eq!(source.ask("up", true, MINUTE).await.unwrap(), Found::Data);
            }
            let why = source.gave_up_on_grafana().unwrap();
            assert!(why.contains(expected) && !source.is_grafana(), "{why}");
        }
        let works = server("200 OK", r#"{"results":{"A":{"error":"bad query"}}}"#);
        let source = QuerySource::new(prometheus(), Some(works), &Default::default()).unwrap();
        assert_eq!(source.ask("up", true, MINUTE).await.unwrap(), Found::Complaint("bad query".to_owned()));
        assert_eq!(source.gave_up_on_grafana(), None, "an invalid query does not count as a failure of Grafana");
    }
}
