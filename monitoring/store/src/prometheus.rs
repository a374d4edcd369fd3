//! Prometheus' query API, <https://prometheus.io/docs/prometheus/latest/querying/api/>, which other stores have too.

use std::fmt;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::Value;
use url::Url;

use crate::body_limit::{BodyError, BodyLimit};
use crate::client::innermost;
use crate::response::{self, NoAnswer, Series};
use crate::shown_url::shown_url;

/// A store that answers queries.
#[derive(Clone)]
pub struct Prometheus {
    http: Client,
    url: Url,
    limit: BodyLimit,
}

/// Without user and password.
impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus").field("url", &self.shown()).finish_non_exhaustive()
    }
}

/// A query without a result. Its message begins with the store's URL, without user, password and query.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// No response came.
    #[error("{0} could not be reached: {cause}", cause = innermost(.1))]
    Unreachable(String, #[source] reqwest::Error),
    /// A status other than success, and ": " with what the store says, if it says anything.
    #[error("{0} answered {status}{2}", status = .1.as_u16())]
    Status(String, StatusCode, String),
    /// A response that no Prometheus gives.
    #[error("{0} did not answer as Prometheus does: {1}")]
    Response(String, String),
    /// A response that is too long, or broke off.
    #[error("{0} did not answer as Prometheus does: {1}")]
    Body(String, #[source] BodyError),
}

impl QueryError {
    /// Whether the store took longer than its client waits.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Unreachable(_, error) | Self::Body(_, BodyError::Broken(error)) => error.is_timeout(),
            _ => false,
        }
    }
}

/// The times of a range query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first, in Unix milliseconds.
    pub from_ms: i64,
    /// The last, in Unix milliseconds.
    pub to_ms: i64,
    /// Whole seconds between two values.
    pub step: Duration,
}

impl Range {
    /// A second between values, or as many as keep a long range within the 11,000 values that Prometheus gives.
    pub fn finest(from_ms: i64, to_ms: i64) -> Self {
        const MAX_VALUES: i64 = 10_000;
        let step_s = ((to_ms - from_ms) / 1_000 / MAX_VALUES + 1).max(1);
        Self { from_ms, to_ms, step: Duration::from_secs(step_s.unsigned_abs()) }
    }
}

/// Unix milliseconds as the seconds that the API reads, exact to the digit.
pub fn seconds(unix_ms: i64) -> String {
    format!("{}.{:03}", unix_ms / 1_000, unix_ms % 1_000)
}

impl Prometheus {
    /// The store at a URL, which may have a path, asked by a [`store_client`](crate::store_client).
    pub const fn new(url: Url, http: Client, limit: BodyLimit) -> Self {
        Self { http, url, limit }
    }

    /// Its URL as it may be shown.
    pub fn shown(&self) -> String {
        shown_url(&self.url)
    }

    /// The response to an instant query, whatever its status: [`response`] reads it. Without a time it is about now.
    ///
    /// # Errors
    /// If there is no response, or it is not JSON.
    pub async fn instant(&self, expr: &str, at_unix_ms: Option<i64>) -> Result<Value, QueryError> {
        self.get_json("query", &instant(expr, at_unix_ms)).await
    }

    /// The response to a range query, likewise.
    ///
    /// # Errors
    /// If there is no response, or it is not JSON.
    pub async fn range(&self, expr: &str, range: Range) -> Result<Value, QueryError> {
        self.get_json("query_range", &ranged(expr, range)).await
    }

    /// The only value of an expression at a time; none if it has no series.
    ///
    /// # Errors
    /// If there is no such response.
    pub async fn value(&self, expr: &str, at_unix_ms: i64) -> Result<Option<f64>, QueryError> {
        self.read("query", &instant(expr, Some(at_unix_ms)), response::value).await
    }

    /// The store's clock, in Unix milliseconds.
    ///
    /// # Errors
    /// If there is no such response.
    pub async fn time_ms(&self) -> Result<i64, QueryError> {
        let seconds = self.read("query", &instant("time()", None), response::scalar).await?;
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
        Ok((seconds * 1e3) as i64)
    }

    /// The series of an expression over a range.
    ///
    /// # Errors
    /// If there is no such response.
    pub async fn series(&self, expr: &str, range: Range) -> Result<Vec<Series>, QueryError> {
        self.read("query_range", &ranged(expr, range), response::series).await
    }

    /// The alerts that were pending or firing in a range.
    ///
    /// # Errors
    /// If there is no such response.
    pub async fn alerts(&self, range: Range) -> Result<Vec<Series>, QueryError> {
        self.series("ALERTS", range).await
    }

    /// Whether any series matches a selector.
    ///
    /// # Errors
    /// If there is no such response.
    pub async fn has_series(&self, selector: &str) -> Result<bool, QueryError> {
        let query = [("match[]", selector.to_owned()), ("limit", "1".to_owned())];
        self.read("series", &query, response::has_series).await
    }

    /// The values of a label on series that match a selector and had samples between two times, in Unix milliseconds.
    ///
    /// # Errors
    /// If there is no such response.
    pub async fn label_values(
        &self,
        label: &str,
        selector: &str,
        (from_ms, to_ms): (i64, i64),
    ) -> Result<Vec<String>, QueryError> {
        let query = [("match[]", selector.to_owned()), ("start", seconds(from_ms)), ("end", seconds(to_ms))];
        self.read(&format!("label/{label}/values"), &query, response::label_values).await
    }

    /// Rules by name, and what is wrong with each of them.
    ///
    /// # Errors
    /// If there is no such response.
    pub async fn rules(&self) -> Result<Vec<(String, Option<String>)>, QueryError> {
        self.read("rules", &[], response::rules).await
    }

    /// The JSON at a path below `api/v1/`, whatever its status: where something is wrong, it says what.
    ///
    /// # Errors
    /// If there is no response, or it is not JSON.
    pub async fn get_json(&self, path: &str, query: &[(&str, String)]) -> Result<Value, QueryError> {
        let (status, body) = self.send(path, query).await?;
        serde_json::from_slice(&body).map_err(|error| match status.is_success() {
            true => self.unlike(&error),
            false => self.refused(status, &body),
        })
    }

    /// The text at a path below `api/v1/`.
    ///
    /// # Errors
    /// If there is no response, or its status is not a success.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Vec<u8>, QueryError> {
        let (status, body) = self.send(path, query).await?;
        if status.is_success() { Ok(body) } else { Err(self.refused(status, &body)) }
    }

    async fn read<T>(
        &self,
        path: &str,
        query: &[(&str, String)],
        read: fn(&Value) -> Result<T, NoAnswer>,
    ) -> Result<T, QueryError> {
        let json = serde_json::from_slice(&self.get(path, query).await?).map_err(|error| self.unlike(&error))?;
        read(&json).map_err(|why| self.unlike(&why))
    }

    async fn send(&self, path: &str, query: &[(&str, String)]) -> Result<(StatusCode, Vec<u8>), QueryError> {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/api/v1/{path}", self.url.path().trim_end_matches('/')));
        let unreachable = |error: reqwest::Error| QueryError::Unreachable(self.shown(), error.without_url());
        let response = self.http.get(url).query(query).send().await.map_err(unreachable)?;
        let status = response.status();
        let body = self.limit.read(response).await.map_err(|error| QueryError::Body(self.shown(), error))?;
        Ok((status, body))
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> QueryError {
        let text = String::from_utf8_lossy(body);
        let said = match serde_json::from_slice(body) {
            Ok(json) => response::complaint(&json),
            // A proxy's page says no more than its status.
            Err(_) if text.trim_start().starts_with('<') => String::new(),
            Err(_) => response::shown(&text),
        };
        let said = if said.is_empty() { said } else { format!(": {said}") };
        QueryError::Status(self.shown(), status, said)
    }

    fn unlike(&self, why: &dyn fmt::Display) -> QueryError {
        QueryError::Response(self.shown(), why.to_string())
    }
}

fn instant(expr: &str, at_unix_ms: Option<i64>) -> Vec<(&'static str, String)> {
    let time = at_unix_ms.map(|at| ("time", seconds(at)));
    [("query", expr.to_owned())].into_iter().chain(time).collect()
}

fn ranged(expr: &str, range: Range) -> [(&'static str, String); 4] {
    let step = range.step.as_secs().to_string();
    [("query", expr.to_owned()), ("start", seconds(range.from_ms)), ("end", seconds(range.to_ms)), ("step", step)]
}

#[cfg(test)]
mod tests;
