//! Tests of `grafana_response`.

use super::*;

#[test]
fn grafana_responses_are_classified() {
    let found = |text: &str| query_result(&serde_json::from_str(text).unwrap());
    let frames = |values: &str| format!(r#"{{"results":{{"A":{{"frames":[{{"data":{{"values":{values}}}}}]}}}}}}"#);
    assert_eq!(found(&frames("[[1,2],[null,3.5]]")), QueryResult::Data);
    assert_eq!(found(&frames("[[1,2],[null,null]]")), QueryResult::OnlyNan);
    assert_eq!(found(&frames("[]")), QueryResult::Nothing);
    assert_eq!(found(r#"{"results":{"A":{"error":"bad","frames":[]}}}"#), QueryResult::Complaint("bad".to_owned()));
    assert_eq!(found(r#"{"message":"Unauthorized"}"#), QueryResult::Complaint("Unauthorized".to_owned()));
}
