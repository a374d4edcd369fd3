//! Any text for what a service serves at `/metrics`: no panic, and what is read has names.

#![no_main]

use libfuzzer_sys::fuzz_target;
use prometheus_store::exposition;

fuzz_target!(|text: &str| {
    if let Ok(samples) = exposition::parse(text) {
        assert!(samples.iter().all(|sample| !sample.name.is_empty()));
        assert!(samples.len() <= text.lines().count());
    }
});
