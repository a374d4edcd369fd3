//! Parses any bytes as the `Server-Timing` header. A parsed duration is at most an hour.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use perf_tests::http::server_timing;

fuzz_target!(|value: &[u8]| {
    assert!(server_timing::parse(value).is_none_or(|took| took <= Duration::from_secs(3_600)));
});
