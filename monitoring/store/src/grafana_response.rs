//! What Grafana's data source answers, <https://grafana.com/docs/grafana/latest/developers/http_api/data_source/>. Whoever answers is not
//! trusted: any JSON is read, or said to be no answer.

use crate::response::{Found, complaint, is_remark, shown};
use serde_json::Value;

/// What an answer to `POST /api/ds/query` with one question, A, comes to.
pub fn found(answer: &Value) -> Found {
    let result = answer.pointer("/results/A").unwrap_or(answer);
    if let Some(error) = result["error"].as_str().or_else(|| result["message"].as_str()) {
        return Found::Complaint(shown(error));
    }
    let Some(frames) = result["frames"].as_array() else { return Found::Complaint(complaint(answer)) };
    let notices = frames.iter().filter_map(|frame| frame.pointer("/schema/meta/notices")?.as_array()).flatten();
    let grave = notices.filter(|notice| notice["severity"] != "info");
    if let Some(text) = grave.filter_map(|notice| notice["text"].as_str()).find(|text| !is_remark(text)) {
        return Found::Complaint(shown(text));
    }
    // A column of times, and one of values for each series.
    let columns = || frames.iter().filter_map(|frame| frame.pointer("/data/values")?.as_array()?.get(1)?.as_array());
    if columns().all(Vec::is_empty) {
        return Found::Nothing;
    }
    if columns().flatten().any(Value::is_number) { Found::Data } else { Found::OnlyNan }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grafana_answers_are_told_apart() {
        let found = |text: &str| found(&serde_json::from_str(text).unwrap());
        let frames = |values: &str| format!(r#"{{"results":{{"A":{{"frames":[{{"data":{{"values":{values}}}}}]}}}}}}"#);
        assert_eq!(found(&frames("[[1,2],[null,3.5]]")), Found::Data);
        assert_eq!(found(&frames("[[1,2],[null,null]]")), Found::OnlyNan);
        assert_eq!(found(&frames("[]")), Found::Nothing);
        assert_eq!(found(r#"{"results":{"A":{"error":"bad","frames":[]}}}"#), Found::Complaint("bad".to_owned()));
        assert_eq!(found(r#"{"message":"Unauthorized"}"#), Found::Complaint("Unauthorized".to_owned()));
    }
}
