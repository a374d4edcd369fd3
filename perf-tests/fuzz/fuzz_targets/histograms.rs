//! Any bytes for a log of histograms, beside the report of a run: it is compared with itself, or refused.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use perf_report::comparison::{Comparison, Rule};
use perf_compare::Recorded;
use perf_report::Report;

#[expect(clippy::unwrap_used, reason = "a report that is committed")]
static REPORT: LazyLock<Report> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../monitoring/tests/course.json")).unwrap());

fuzz_target!(|log: &[u8]| {
    let recorded = Recorded { report: &REPORT, log };
    // Whether it is one is what is asked.
    let _ = Comparison::of_recorded(recorded, recorded, Rule::default());
});
