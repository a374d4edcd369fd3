//! Any bytes for a log of histograms, beside the report of a run: it is compared with itself, or refused.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use perf_compare::{Recorded, compare_recorded};
use perf_report::Report;
use perf_report::comparison::Rule;
use test_support::report_over_time;

static REPORT: LazyLock<Report> = LazyLock::new(report_over_time);

fuzz_target!(|log: &[u8]| {
    let recorded = Recorded { report: &REPORT, log };
    // An error is as good as a comparison: only a panic is a finding.
    let _ = compare_recorded(recorded, recorded, Rule::default());
});
