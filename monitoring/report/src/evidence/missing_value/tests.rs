//! Tests of `missing_value`.

use serde_json::{from_value, json, to_value};

use super::*;

#[test]
fn each_reason_is_read_as_it_was_written() {
    let reasons = [
        MissingValue::NoJudgedTime,
        MissingValue::NoStore,
        MissingValue::NotScraped("server returned HTTP status 404".to_owned()),
        MissingValue::NotExposed,
        MissingValue::NotFinite("NaN".to_owned()),
        MissingValue::QueryFailed("connection refused".to_owned()),
        MissingValue::Other("some text".to_owned()),
    ];
    for reason in reasons {
        let stored = to_value(&reason).unwrap();
        assert_eq!(stored["why"], reason.to_string());
        assert_eq!(from_value::<MissingValue>(stored).unwrap(), reason);
    }
}

#[test]
fn reasons_of_other_versions_keep_their_text() {
    let other = MissingValue::Other("no such thing".to_owned());
    for stored in [
        json!("no such thing"),
        json!({"why": "no such thing"}),
        json!({"cause": "a_later_one", "why": "no such thing"}),
    ] {
        assert_eq!(from_value::<MissingValue>(stored).unwrap(), other);
    }
}
