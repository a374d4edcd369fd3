//! Any JSON for what Prometheus or Grafana answers: it is read or refused, and what is shown of it is short and steers no terminal.

#![no_main]

use libfuzzer_sys::fuzz_target;
use prometheus_store::grafana_response;
use prometheus_store::response::{self, Found};

fn is_fit_to_be_shown(text: &str) -> bool {
    text.chars().count() < 400 && !text.chars().any(char::is_control)
}

fuzz_target!(|data: &[u8]| {
    let Ok(answer) = serde_json::from_slice(data) else { return };
    for found in [response::found(&answer), grafana_response::found(&answer)] {
        if let Found::Complaint(text) = found {
            assert!(is_fit_to_be_shown(&text), "{text:?}");
        }
    }
    let refusals = [
        response::value(&answer).err(),
        response::scalar(&answer).err(),
        response::series(&answer).err(),
        response::label_values(&answer).err(),
        response::has_series(&answer).err(),
        response::rules(&answer).err(),
    ];
    for refusal in refusals.into_iter().flatten() {
        assert!(is_fit_to_be_shown(&refusal.to_string()), "{refusal}");
    }
});
