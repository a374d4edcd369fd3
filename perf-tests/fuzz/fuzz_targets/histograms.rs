//! Reads any bytes as the histogram log of a report, and compares it with itself. It is compared or
//! rejected.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use perf_compare::{RecordedRun, compare_recorded};
use perf_report::Report;
use perf_report::comparison::Rule;
use test_support::report_over_time;

static REPORT: LazyLock<Report> = LazyLock::new(report_over_time);

fuzz_target!(|log: &[u8]| {
    let recorded = RecordedRun { report: &REPORT, log };
    // An error is a valid result, so only a panic is a finding.
    let _ = compare_recorded(recorded, recorded, Rule::default());
});
