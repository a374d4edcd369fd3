//! Responses to queries.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use serde_json::{Value, json};

use super::{Samples, StoreState};

/// The last values until a time in Unix milliseconds.
pub(super) fn values(
    series: &BTreeMap<String, Samples>,
    name: &str,
    until: i64,
    matchers: &[(String, bool)],
) -> Vec<f64> {
    let named = |labels: &str| {
        let labels = format!(",{labels}");
        labels.contains(&format!(",__name__={name},"))
            && matchers.iter().all(|(label, wanted)| labels.contains(&format!(",{label},")) == *wanted)
    };
    let last = |samples: &Samples| {
        let visible = samples.iter().rev().filter(|sample| sample.1 <= until);
        visible.map(|sample| sample.0).find(|value| !value.is_nan())
    };
    series.iter().filter(|(labels, _)| named(labels)).filter_map(|(_, samples)| last(samples)).collect()
}

type Parameters = Query<BTreeMap<String, String>>;

pub(super) async fn series(State(state): State<Arc<StoreState>>, Query(parameters): Parameters) -> Json<Value> {
    let (wanted, _) = matcher(parameters["match[]"].trim_matches(['{', '}']));
    let is_known = *state.has_every_testid.lock().unwrap()
        || state.series.lock().unwrap().keys().any(|labels| labels.contains(&wanted));
    let found: &[Value] = if is_known { &[json!({ "testid": "x" })] } else { &[] };
    Json(json!({ "status": "success", "data": found }))
}

/// Parses a matcher `a="b` or `a!="b` into `a=b`, and whether series must have that label.
fn matcher(text: &str) -> (String, bool) {
    let text = text.trim_end_matches('"');
    match text.split_once("!=\"") {
        Some((label, value)) => (format!("{label}={value}"), false),
        None => (text.replacen("=\"", "=", 1), true),
    }
}

/// Responds to `sum(name{…})`, `max(…)`, `min(…)`, the difference of two such sums, and queries for
/// scraped values. A read-back sends no other queries.
pub(super) async fn query(State(state): State<Arc<StoreState>>, Query(parameters): Parameters) -> Json<Value> {
    let respond = |value: &[f64]| {
        let points: Vec<_> =
            value.iter().map(|value| json!({ "metric": {}, "value": [0.0, value.to_string()] })).collect();
        Json(json!({ "status": "success", "data": { "result": points } }))
    };
    let is_scraped = |expr: &str| parameters["query"].contains(expr);
    if is_scraped("_over_time(") || is_scraped("up{") {
        let scraped = state.scraped.lock().unwrap();
        let at = parameters["time"].parse().unwrap();
        let found = scraped.iter().filter(|(expr, _)| is_scraped(expr));
        // It scrapes all the time.
        let value: Vec<_> = found.map(|(_, value)| if is_scraped("timestamp(") { at } else { value(at) }).collect();
        return respond(&value);
    }
    let is_offset = *state.needs_no_cache.lock().unwrap() && parameters.get("nocache").is_none_or(|value| value != "1");
    let late = if is_offset { Duration::from_secs(3600) } else { *state.lateness.lock().unwrap() };
    let until = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().saturating_sub(late).as_millis() as i64;
    let series = state.series.lock().unwrap();
    let falsified = *state.falsified.lock().unwrap();
    let one = |text: &str| {
        let (aggregate, name) = text.split('{').next().unwrap().split_once('(').unwrap();
        let inside = text.split(['{', '}']).nth(1).unwrap_or_default();
        let matchers: Vec<_> = inside.split("\",").map(str::trim).map(matcher).collect();
        let values = values(&series, name, until, &matchers).into_iter();
        let value = match aggregate {
            "max" => values.reduce(f64::max),
            "min" => values.reduce(f64::min),
            _ => Some(values.sum()),
        };
        value.unwrap_or_default() + if falsified == Some(name) { 1.0 } else { 0.0 }
    };
    let value = match parameters["query"].split_once(" - ") {
        Some((left, right)) => one(left) - one(right),
        None => one(&parameters["query"]),
    };
    respond(&[value])
}
