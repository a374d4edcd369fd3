//! Client for Prometheus' query API, <https://prometheus.io/docs/prometheus/latest/querying/api/>.
//! Other stores have the same API.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::Value;
use url::Url;

use crate::body_limit::{BodyError, BodyLimit};
use crate::http_client::innermost;
use crate::response::{self, LoadedRule, ResponseError, ScrapeError, Series};
use crate::retries::Retries;
use crate::shown_url::shown_url;

/// A store with Prometheus' query API. A query fails if there is no response, or if it has another
/// form than the query's. A query that a busy store refuses is sent again, a limited number of
/// times.
#[derive(Clone)]
pub struct PrometheusClient {
    http: Client,
    url: Url,
    limit: BodyLimit,
    retries: Arc<Retries>,
}

/// Omits user and password.
impl fmt::Debug for PrometheusClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus").field("url", &self.shown()).finish_non_exhaustive()
    }
}

/// A query failed. The message begins with the store's URL, without user, password and query.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// No response.
    #[error("{0} cannot be reached: {cause}", cause = innermost(.1))]
    Unreachable(String, #[source] reqwest::Error),
    /// A status other than success. The last field is the store's own message after ": ", or empty.
    #[error("{0} responded with status {status}{2}", status = .1.as_u16())]
    Status(String, StatusCode, String),
    /// A response that does not conform to Prometheus' API.
    #[error("{0} did not respond as Prometheus does: {1}")]
    Response(String, String),
    /// A response that is too long or incomplete.
    #[error("{0} did not respond as Prometheus does: {1}")]
    Body(String, #[source] BodyError),
}

impl QueryError {
    /// Whether the client's timeout passed.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Unreachable(_, error) | Self::Body(_, BodyError::Broken(error)) => error.is_timeout(),
            _ => false,
        }
    }

    /// Whether the same query may succeed later: the connection failed, or the store had an error
    /// of its own.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(..) | Self::Body(_, BodyError::Broken(_)) => true,
            Self::Status(_, status, _) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::Response(..) | Self::Body(..) => false,
        }
    }
}

/// Time range and step of a range query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First time, in Unix milliseconds.
    pub from_ms: i64,
    /// Last time, in Unix milliseconds.
    pub to_ms: i64,
    /// Step between two values, in whole seconds.
    pub step: Duration,
}

impl Range {
    /// A step of one second, or the smallest one with which a long range stays within Prometheus'
    /// limit of 11,000 values.
    pub fn finest(from_ms: i64, to_ms: i64) -> Self {
        const MAX_VALUES: i64 = 10_000;
        let step_s = ((to_ms - from_ms) / 1_000 / MAX_VALUES + 1).max(1);
        Self { from_ms, to_ms, step: Duration::from_secs(step_s.unsigned_abs()) }
    }
}

/// Formats Unix milliseconds as seconds with three decimals, as the API expects.
pub fn seconds(unix_ms: i64) -> String {
    format!("{}.{:03}", unix_ms / 1_000, unix_ms % 1_000)
}

impl PrometheusClient {
    /// The store at `url`, which may have a path. Make the client with
    /// [`store_client`](crate::store_client).
    pub fn new(url: Url, http: Client, limit: BodyLimit) -> Self {
        Self { http, url, limit, retries: Arc::default() }
    }

    /// The URL without secrets, see [`shown_url`].
    pub fn shown(&self) -> String {
        shown_url(&self.url)
    }

    /// Sends an instant query and returns the response whatever its status; read it with
    /// [`response`]. `None` means now.
    pub async fn instant(&self, expr: &str, at_unix_ms: Option<i64>) -> Result<Value, QueryError> {
        self.get_json("query", &instant(expr, at_unix_ms)).await
    }

    /// Sends a range query and returns the response whatever its status; read it with [`response`].
    pub async fn range(&self, expr: &str, range: Range) -> Result<Value, QueryError> {
        self.get_json("query_range", &ranged(expr, range)).await
    }

    /// The only value of an expression at a time. `None` if the result is empty or NaN.
    pub async fn value(&self, expr: &str, at_unix_ms: i64) -> Result<Option<f64>, QueryError> {
        self.read("query", &instant(expr, Some(at_unix_ms)), response::value).await
    }

    /// Time of the store's clock, in Unix milliseconds.
    pub async fn time_ms(&self) -> Result<i64, QueryError> {
        let seconds = self.read("query", &instant("time()", None), response::scalar).await?;
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
        Ok((seconds * 1e3) as i64)
    }

    /// The series of an expression over a range.
    pub async fn series(&self, expr: &str, range: Range) -> Result<Vec<Series>, QueryError> {
        self.read("query_range", &ranged(expr, range), response::series).await
    }

    /// The samples of a selector with a window, as they were stored, or the values of a subquery.
    pub async fn samples(&self, selector: &str, at_unix_ms: i64) -> Result<Vec<Series>, QueryError> {
        self.read("query", &instant(selector, Some(at_unix_ms)), response::series).await
    }

    /// Series of the alerts that were pending or firing in a range.
    pub async fn alerts(&self, range: Range) -> Result<Vec<Series>, QueryError> {
        self.series("ALERTS", range).await
    }

    /// Whether any series matches a selector.
    pub async fn has_series(&self, selector: &str) -> Result<bool, QueryError> {
        let query = [("match[]", selector.to_owned()), ("limit", "1".to_owned())];
        self.read("series", &query, response::has_series).await
    }

    /// Values of a label on series that match a selector and have samples between two times, in
    /// Unix milliseconds.
    pub async fn label_values(
        &self,
        label: &str,
        selector: &str,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Vec<String>, QueryError> {
        let query = [("match[]", selector.to_owned()), ("start", seconds(from_ms)), ("end", seconds(to_ms))];
        self.read(&format!("label/{label}/values"), &query, response::label_values).await
    }

    /// Targets of a job whose last scrape failed. Stores that do not scrape have no such list.
    pub async fn scrape_errors(&self, job: &str) -> Result<Vec<ScrapeError>, QueryError> {
        let query = [("state", "active".to_owned())];
        self.read("targets", &query, |response| response::scrape_errors(response, job)).await
    }

    /// All rules.
    pub async fn rules(&self) -> Result<Vec<LoadedRule>, QueryError> {
        self.read("rules", &[], response::rules).await
    }

    /// The JSON at a path below `api/v1/`, whatever its status. JSON of an error contains its
    /// message.
    pub async fn get_json(&self, path: &str, query: &[(&str, String)]) -> Result<Value, QueryError> {
        let (status, body) = self.send(path, query).await?;
        serde_json::from_slice(&body).map_err(|error| match status.is_success() {
            true => self.malformed(&error),
            false => self.failed(status, &body),
        })
    }

    /// The body at a path below `api/v1/`.
    ///
    /// # Errors
    /// If there is no response, or its status is not a success.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Vec<u8>, QueryError> {
        let (status, body) = self.send(path, query).await?;
        if status.is_success() { Ok(body) } else { Err(self.failed(status, &body)) }
    }

    async fn read<T>(
        &self,
        path: &str,
        query: &[(&str, String)],
        read: impl FnOnce(&Value) -> Result<T, ResponseError>,
    ) -> Result<T, QueryError> {
        let json = serde_json::from_slice(&self.get(path, query).await?).map_err(|error| self.malformed(&error))?;
        read(&json).map_err(|why| self.malformed(&why))
    }

    /// Sends a query, and sends it again if the store is busy. A busy store gets one at a time.
    async fn send(&self, path: &str, query: &[(&str, String)]) -> Result<(StatusCode, Vec<u8>), QueryError> {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/api/v1/{path}", self.url.path().trim_end_matches('/')));
        let unreachable = |error: reqwest::Error| QueryError::Unreachable(self.shown(), error.without_url());
        let send = || self.http.get(url.clone()).query(query).send();
        let mut permit = self.retries.permit_if_busy().await;
        let mut response = send().await.map_err(unreachable)?;
        if permit.is_none() {
            permit = self.retries.permit_after(response.status()).await;
            if permit.as_ref().is_some_and(|permit| permit.has_waited) {
                response = send().await.map_err(unreachable)?;
            }
        }
        let mut tries = 1;
        while let Some(pause) = self.retries.pause(response.status(), response.headers(), tries) {
            tokio::time::sleep(pause).await;
            response = send().await.map_err(unreachable)?;
            tries += 1;
        }
        drop(permit);
        let status = response.status();
        let body = self.limit.read(response).await.map_err(|error| QueryError::Body(self.shown(), error))?;
        Ok((status, body))
    }

    fn failed(&self, status: StatusCode, body: &[u8]) -> QueryError {
        let text = String::from_utf8_lossy(body);
        let message = match serde_json::from_slice(body) {
            Ok(json) => response::error_text(&json),
            // The HTML page of a proxy adds nothing to its status.
            Err(_) if text.trim_start().starts_with('<') => String::new(),
            Err(_) => response::shown(&text),
        };
        let message = if message.is_empty() { message } else { format!(": {message}") };
        QueryError::Status(self.shown(), status, message)
    }

    fn malformed(&self, why: &dyn fmt::Display) -> QueryError {
        QueryError::Response(self.shown(), why.to_string())
    }
}

fn instant(expr: &str, at_unix_ms: Option<i64>) -> Vec<(&'static str, String)> {
    let time = at_unix_ms.map(|at| ("time", seconds(at)));
    [("query", expr.to_owned())].into_iter().chain(time).chain(without_offset()).collect()
}

/// VictoriaMetrics responds to an instant query as of 30 s ago at the latest, unless it has the
/// first parameter. In a range query, it repeats an older value for the last 30 s, unless it has
/// the second one. Its value must be more than 0. Other stores ignore both.
fn without_offset() -> [(&'static str, String); 2] {
    [("nocache", "1".to_owned()), ("latency_offset", "0.001".to_owned())]
}

fn ranged(expr: &str, range: Range) -> Vec<(&'static str, String)> {
    let step = range.step.as_secs().to_string();
    let times = [("start", seconds(range.from_ms)), ("end", seconds(range.to_ms)), ("step", step)];
    [("query", expr.to_owned())].into_iter().chain(times).chain(without_offset()).collect()
}

#[cfg(test)]
mod tests;
