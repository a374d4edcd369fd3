//! Responses of Grafana's data source API,
//! <https://grafana.com/docs/grafana/latest/developers/http_api/data_source/>. Servers are not
//! trusted: any JSON is accepted as input, and reported if it is not such a response.

use serde_json::Value;

use crate::response::{QueryResult, error_text, is_harmless, shown};

/// The result of a query, by the response to `POST /api/ds/query` with only that query, as refId A.
pub fn query_result(response: &Value) -> QueryResult {
    let result = response.pointer("/results/A").unwrap_or(response);
    if let Some(error) = result["error"].as_str().or_else(|| result["message"].as_str()) {
        return QueryResult::Complaint(shown(error));
    }
    let Some(frames) = result["frames"].as_array() else { return QueryResult::Complaint(error_text(response)) };
    let notices = frames.iter().filter_map(|frame| frame.pointer("/schema/meta/notices")?.as_array()).flatten();
    let severe = notices.filter(|notice| notice["severity"] != "info");
    if let Some(text) = severe.filter_map(|notice| notice["text"].as_str()).find(|text| !is_harmless(text)) {
        return QueryResult::Complaint(shown(text));
    }
    // The first column has times, the second one values.
    let columns = || frames.iter().filter_map(|frame| frame.pointer("/data/values")?.as_array()?.get(1)?.as_array());
    if columns().all(Vec::is_empty) {
        return QueryResult::Nothing;
    }
    if columns().flatten().any(Value::is_number) { QueryResult::Data } else { QueryResult::OnlyNan }
}

#[cfg(test)]
mod tests;
