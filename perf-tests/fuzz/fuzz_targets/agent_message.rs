//! Reads any bytes as messages between a coordinator and its agents. They are read or rejected.

#![no_main]

use libfuzzer_sys::fuzz_target;
use perf_tests::agents::is_message;

fuzz_target!(|bytes: &[u8]| {
    // Both results are valid, so only a panic or too much memory is a finding.
    let _ = is_message(bytes).expect("the system has a runtime");
});
