//! Responses of Prometheus' API, <https://prometheus.io/docs/prometheus/latest/querying/api/>.
//! Servers are not trusted: any JSON is accepted as input, and reported if it is not such a
//! response.

use std::collections::BTreeMap;

use monitoring::prometheus::config::{CONTAINER_FOLDER, LOGIN, TARGETS, TOKEN};
use monitoring::sanitize::one_line;
use serde_json::Value;
use url::Url;

use crate::shown_url::shown_url;

/// Maximum length of untrusted text in messages, in characters.
const SHOWN: usize = 300;

/// Result of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryResult {
    /// At least one value is a number.
    Data,
    /// No series.
    Nothing,
    /// There are series, but all their values are NaN or null.
    OnlyNan,
    /// Error or warning of the store, or the beginning of a response of another form.
    Complaint(String),
}

impl QueryResult {
    /// Reason why the result is unusable. `None` if it has data.
    pub fn why_not(&self) -> Option<&str> {
        match self {
            Self::Data => None,
            Self::Nothing => Some("no series"),
            Self::OnlyNan => Some("no value is a number"),
            Self::Complaint(text) => Some(text),
        }
    }
}

/// A series and its values over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Labels by name.
    pub labels: BTreeMap<String, String>,
    /// Times in seconds since 1970, each with its value.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// Value of a label. Empty if the series does not have it.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// A response cannot be used: the server's error message, or the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ResponseError(String);

/// The result of an instant or range query, by its response.
pub fn query_result(response: &Value) -> QueryResult {
    let mut warnings = response["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(text) = warnings.find(|text| !is_harmless(text)) {
        return QueryResult::Complaint(shown(text));
    }
    let Some(series) = response.pointer("/data/result").and_then(Value::as_array) else {
        return QueryResult::Complaint(error_text(response));
    };
    if series.is_empty() {
        return QueryResult::Nothing;
    }
    let is_number = |point: &Value| point[1].as_str().is_some_and(|text| text != "NaN");
    let has_number = series.iter().any(|series| match series["values"].as_array() {
        Some(points) => points.iter().any(is_number),
        None => is_number(&series["value"]),
    });
    if has_number { QueryResult::Data } else { QueryResult::OnlyNan }
}

/// Whether a warning is harmless: our counters use k6's names, which do not end in `_total`.
/// Prometheus reports that as "infos"; before 3.0 it is among the warnings.
pub fn is_harmless(warning: &str) -> bool {
    warning.starts_with("PromQL info: ")
}

/// The only value of an instant query. `None` if the result is empty or NaN.
///
/// # Errors
/// If there are several values, a value is not a number, or the response has another form.
pub fn value(response: &Value) -> Result<Option<f64>, ResponseError> {
    match query_result(response) {
        QueryResult::Data => {}
        QueryResult::Nothing | QueryResult::OnlyNan => return Ok(None),
        QueryResult::Complaint(why) => return Err(ResponseError(why)),
    }
    match array(response, "/data/result")?.as_slice() {
        [one] => number(&one["value"]).map(|(_, value)| Some(value)),
        _ => Err(ResponseError("the query returned several values instead of one".to_owned())),
    }
}

/// Value of a scalar expression, such as `time()`.
pub fn scalar(response: &Value) -> Result<f64, ResponseError> {
    let value = response.pointer("/data/result").ok_or_else(|| ResponseError(error_text(response)))?;
    number(value).map(|(_, value)| value)
}

/// Parses a time and a value. The value is text, because JSON has neither infinity nor NaN.
fn number(point: &Value) -> Result<(f64, f64), ResponseError> {
    let read = || Some((point[0].as_f64()?, point[1].as_str()?.parse().ok()?));
    read().ok_or_else(|| ResponseError(format!("not a number: {}", shown(&point.to_string()))))
}

/// Series of a range query.
pub fn series(response: &Value) -> Result<Vec<Series>, ResponseError> {
    let read_series = |series: &Value| {
        let points = array(series, "/values")?;
        let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        let labels = series["metric"].as_object().into_iter().flatten().filter_map(text).collect();
        Ok(Series { labels, points: points.iter().map(number).collect::<Result<_, _>>()? })
    };
    array(response, "/data/result")?.iter().map(read_series).collect()
}

/// Values of a label.
pub fn label_values(response: &Value) -> Result<Vec<String>, ResponseError> {
    Ok(array(response, "/data")?.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect())
}

/// Whether any series matches.
pub fn has_series(response: &Value) -> Result<bool, ResponseError> {
    array(response, "/data").map(|series| !series.is_empty())
}

/// A rule that a store has loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedRule {
    /// Name of the rule or the alert.
    pub name: String,
    /// Why its last evaluation failed. `None` if it did not.
    pub error: Option<String>,
}

/// All rules.
pub fn rules(response: &Value) -> Result<Vec<LoadedRule>, ResponseError> {
    let rules = array(response, "/data/groups")?.iter().filter_map(|group| group["rules"].as_array()).flatten();
    let rules = rules.filter_map(|rule| {
        let error = (rule["health"] == "err").then(|| shown(rule["lastError"].as_str().unwrap_or("unhealthy")));
        Some(LoadedRule { name: rule["name"].as_str()?.to_owned(), error })
    });
    Ok(rules.collect())
}

/// A failed scrape of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrapeError {
    /// URL of the target, without user, password and query.
    pub url: String,
    /// The store's reason, such as "server returned HTTP status 401 Unauthorized".
    pub why: String,
}

impl ScrapeError {
    /// Whether Prometheus may not read a file with the login to the target.
    pub fn is_unreadable_login(&self) -> bool {
        self.why.contains("open /") && self.why.contains("permission denied")
    }

    /// Whether it names a file with a login in the stack's container.
    pub fn is_in_container(&self) -> bool {
        [LOGIN, TOKEN].iter().any(|folder| self.why.contains(&format!("open {CONTAINER_FOLDER}/{TARGETS}/{folder}/")))
    }
}

/// Targets of a job whose last scrape failed.
pub fn scrape_errors(response: &Value, job: &str) -> Result<Vec<ScrapeError>, ResponseError> {
    let of_job = array(response, "/data/activeTargets")?.iter().filter(|target| target["labels"]["job"] == job);
    let error = |target: &Value| {
        let why = target["lastError"].as_str().filter(|why| !why.is_empty())?;
        let url = target["scrapeUrl"].as_str().and_then(|url| Url::parse(url).ok())?;
        Some(ScrapeError { url: shown(&shown_url(&url)), why: shown(why) })
    };
    Ok(of_job.filter_map(error).collect())
}

fn array<'a>(response: &'a Value, pointer: &str) -> Result<&'a Vec<Value>, ResponseError> {
    let array = response.pointer(pointer).and_then(Value::as_array);
    array.ok_or_else(|| ResponseError(error_text(response)))
}

/// Error message of a response. Without one, the beginning of the response.
pub(crate) fn error_text(response: &Value) -> String {
    let message = ["error", "message"].iter().find_map(|key| response[key].as_str());
    message.map_or_else(|| format!("not a query API response: {}", shown(&response.to_string())), shown)
}

/// The beginning of an untrusted text, on one line and without control characters.
pub fn shown(text: &str) -> String {
    one_line(text.trim()).chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests;
