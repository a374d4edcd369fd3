//! Parses any text as a service's `/metrics`. It never panics, and every parsed sample has a name.

#![no_main]

use libfuzzer_sys::fuzz_target;
use prometheus_store::exposition;

fuzz_target!(|text: &str| {
    if let Ok(samples) = exposition::parse(text) {
        assert!(samples.iter().all(|sample| !sample.name.is_empty()));
        assert!(samples.len() <= text.lines().count());
    }
});
