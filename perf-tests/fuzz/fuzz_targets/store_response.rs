//! Parses any JSON as a response of Prometheus or Grafana. It is accepted or rejected, and text
//! shown from it is short and has no control characters.

#![no_main]

use libfuzzer_sys::fuzz_target;
use prometheus_store::grafana_response;
use prometheus_store::response::{self, QueryResult};

fn is_short_and_printable(text: &str) -> bool {
    text.chars().count() < 400 && !text.chars().any(char::is_control)
}

fuzz_target!(|data: &[u8]| {
    let Ok(json) = serde_json::from_slice(data) else { return };
    for found in [response::query_result(&json), grafana_response::query_result(&json)] {
        if let QueryResult::Complaint(text) = found {
            assert!(is_short_and_printable(&text), "{text:?}");
        }
    }
    let refusals = [
        response::value(&json).err(),
        response::scalar(&json).err(),
        response::series(&json).err(),
        response::label_values(&json).err(),
        response::has_series(&json).err(),
        response::rules(&json).err(),
    ];
    for refusal in refusals.into_iter().flatten() {
        assert!(is_short_and_printable(&refusal.to_string()), "{refusal}");
    }
});
