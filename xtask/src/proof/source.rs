//! Whom a query is put to: Prometheus itself, or Grafana's data source, which is what a viewer's browser asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use monitoring::promql;
use prometheus_store::StoreAccess;
use prometheus_store::response::{self, Found, Series};
use url::Url;

use super::grafana::Grafana;
use crate::http;

/// What Grafana draws on a panel of usual width.
pub(super) const POINTS: i64 = 1_000;
/// The least that Grafana makes of `$__rate_interval`: four scrapes.
const SCRAPES: u32 = 4;

/// A window, Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

/// A moment, Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    #[expect(clippy::disallowed_methods, reason = "the time at which a store is asked")]
    pub(crate) fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// How long ago it was.
    pub(crate) fn elapsed(self) -> Duration {
        Duration::from_millis(u64::try_from(Self::now().0 - self.0).unwrap_or(0))
    }

    /// As the standard library has it.
    pub(crate) fn time(self) -> std::time::SystemTime {
        std::time::UNIX_EPOCH + Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }

    /// Seconds since 1970, as Prometheus has it.
    #[expect(clippy::cast_precision_loss, reason = "seconds have digits enough")]
    pub(crate) fn seconds(self) -> f64 {
        self.0 as f64 / 1e3
    }
}

/// Where queries go.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    http: reqwest::Client,
    prometheus: Url,
    grafana: Option<Arc<Grafana>>,
    /// Prometheus did not answer a query in time, and is asked no more: of hundreds each would wait as long.
    is_silent: Arc<AtomicBool>,
}

impl Source {
    /// Grafana is our own, and needs no credentials to be looked at.
    pub(crate) fn new(prometheus: Url, grafana: Option<Url>, access: &StoreAccess) -> anyhow::Result<Self> {
        let grafana = grafana.map(Grafana::new).transpose()?.map(Arc::new);
        Ok(Self { http: http::store_client(&prometheus, access)?, prometheus, grafana, is_silent: Arc::default() })
    }

    /// Whether Grafana is asked.
    pub(crate) fn is_grafana(&self) -> bool {
        self.grafana.as_ref().is_some_and(|grafana| grafana.gave_up().is_none())
    }

    /// Why Grafana is asked no more, though it is there.
    pub(crate) fn gave_up_on_grafana(&self) -> Option<String> {
        self.grafana.as_ref()?.gave_up()
    }

    /// Puts a query; Grafana's windows in it are filled in, by Grafana itself if it is there.
    pub(crate) async fn ask(&self, expr: &str, instant: bool, window: Window) -> anyhow::Result<Found> {
        if let Some(grafana) = &self.grafana
            && let Some(found) = grafana.ask(expr, instant, window).await
        {
            return Ok(found);
        }
        self.directly(expr, instant, window).await
    }

    async fn directly(&self, expr: &str, instant: bool, window: Window) -> anyhow::Result<Found> {
        let step = step(window);
        let expr = fill_in_windows(expr, step, window);
        let mut url = api(&self.prometheus, if instant { "query" } else { "query_range" })?;
        let mut query = vec![("query", expr)];
        if instant {
            query.push(("time", seconds(window.to_ms)));
        } else {
            query.push(("start", seconds(window.from_ms)));
            query.push(("end", seconds(window.to_ms)));
            query.push(("step", step.as_secs().to_string()));
        }
        url.query_pairs_mut().extend_pairs(query);
        anyhow::ensure!(
            !self.is_silent.load(Ordering::Relaxed),
            "not asked: Prometheus did not answer a query before in time"
        );
        let answer = http::json_whatever(&self.http, url).await;
        let is_late = |error: &anyhow::Error| error.downcast_ref().is_some_and(reqwest::Error::is_timeout);
        self.is_silent.fetch_or(answer.as_ref().is_err_and(is_late), Ordering::Relaxed);
        Ok(response::found(&answer?))
    }

    /// The one value of an expression at a time; none if it has none.
    pub(crate) async fn value(&self, expr: &str, at_ms: i64) -> anyhow::Result<Option<f64>> {
        let mut url = api(&self.prometheus, "query")?;
        url.query_pairs_mut().append_pair("query", expr).append_pair("time", &seconds(at_ms));
        response::value(&http::json_whatever(&self.http, url).await?).with_context(|| expr.to_owned())
    }

    /// Series over a window, a second between values or as many as keep a long window within what Prometheus answers.
    pub(crate) async fn series(&self, expr: &str, from: Moment, to: Moment) -> anyhow::Result<Vec<Series>> {
        let mut url = api(&self.prometheus, "query_range")?;
        let step = step_of_series(from, to).to_string();
        let query = [("query", expr.to_owned()), ("start", seconds(from.0)), ("end", seconds(to.0)), ("step", step)];
        url.query_pairs_mut().extend_pairs(query);
        Ok(response::series(&http::json_whatever(&self.http, url).await?)?)
    }

    /// Alerts that were pending or firing.
    pub(crate) async fn alerts(&self, from: Moment, to: Moment) -> anyhow::Result<Vec<Series>> {
        self.series("ALERTS", from, to).await
    }

    /// Whether any alert is pending or firing now.
    pub(crate) async fn are_alerts_active(&self) -> anyhow::Result<bool> {
        let now = Moment::now();
        Ok(!self.alerts(now, now).await?.is_empty())
    }

    /// The values of a label of some series in a window.
    pub(crate) async fn label_values(
        &self,
        label: &str,
        selector: &str,
        window: Window,
    ) -> anyhow::Result<Vec<String>> {
        let path = format!("label/{label}/values");
        let query =
            [("match[]", selector.to_owned()), ("start", seconds(window.from_ms)), ("end", seconds(window.to_ms))];
        let answer = match &self.grafana {
            Some(grafana) => grafana.resource(&path, &query).await?,
            None => None,
        };
        let answer = match answer {
            Some(answer) => answer,
            None => {
                let mut url = api(&self.prometheus, &path)?;
                url.query_pairs_mut().extend_pairs(query);
                http::json_whatever(&self.http, url).await?
            }
        };
        Ok(response::label_values(&answer)?)
    }

    /// Rules by name, and what is wrong with each of them.
    pub(crate) async fn rules(&self) -> anyhow::Result<Vec<(String, Option<String>)>> {
        let answer = http::json_whatever(&self.http, api(&self.prometheus, "rules")?).await?;
        Ok(response::rules(&answer)?)
    }
}

/// An endpoint of Prometheus' HTTP API, <https://prometheus.io/docs/prometheus/latest/querying/api/>.
fn api(prometheus: &Url, path: &str) -> anyhow::Result<Url> {
    let base = prometheus.as_str().trim_end_matches('/');
    Url::parse(&format!("{base}/api/v1/{path}")).context("failed to make a URL")
}

pub(crate) fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// The step that Grafana takes: as many as it has points, and never finer than the data.
pub(super) fn step(window: Window) -> Duration {
    let finest = monitoring::stack_limits::PUSH_INTERVAL;
    let of_points = u64::try_from((window.to_ms - window.from_ms) / POINTS).unwrap_or_default();
    Duration::from_secs(Duration::from_millis(of_points).as_secs()).max(finest)
}

/// Seconds between values. Prometheus refuses more than 11,000 of them.
fn step_of_series(from: Moment, to: Moment) -> i64 {
    const MOST: i64 = 10_000;
    ((to.0 - from.0) / 1_000 / MOST + 1).max(1)
}

/// What Grafana does, where Grafana is not there to do it.
fn fill_in_windows(expr: &str, step: Duration, window: Window) -> String {
    let push = monitoring::stack_limits::PUSH_INTERVAL;
    let range = u64::try_from(window.to_ms - window.from_ms).unwrap_or_default().div_ceil(1_000).max(1);
    let rate_interval = (step + push).max(push * SCRAPES);
    expr.replace("$__rate_interval", &promql::duration(rate_interval)).replace("$__range", &format!("{range}s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Window = Window { from_ms: 1_000, to_ms: 61_000 };

    #[test]
    fn windows_are_filled_in_as_grafana_does() {
        let text = fill_in_windows("rate(a[$__rate_interval]) + last_over_time(b[$__range])", step(MINUTE), MINUTE);
        assert_eq!(text, "rate(a[20s]) + last_over_time(b[1m])".replace("1m", "60s"));
        let day = Window { from_ms: 0, to_ms: 86_400_000 };
        assert_eq!(
            (step(day), fill_in_windows("[$__rate_interval]", step(day), day)),
            (Duration::from_secs(86), "[91s]".to_owned())
        );
    }

    #[test]
    fn a_long_run_is_asked_for_in_steps_that_prometheus_answers() {
        let of = |hours: i64| step_of_series(Moment(0), Moment(hours * 3_600_000));
        assert_eq!((of(0), of(2), of(4), of(48)), (1, 1, 2, 18));
    }

    #[tokio::test]
    async fn of_a_prometheus_that_is_silent_not_every_query_waits() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let source = Source::new(url, None, &StoreAccess::default()).unwrap();
        let window = Window { from_ms: 0, to_ms: 1_000 };
        let ask = async || format!("{:#}", source.ask("up", true, window).await.unwrap_err());
        let (first, second) = (ask().await, ask().await);
        assert!(!first.contains("not asked") && second.contains("not asked"), "{first}; {second}");
    }
}
