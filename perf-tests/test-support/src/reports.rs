//! Reports of real runs.

#![expect(clippy::expect_used, reason = "a helper that fails fails the test")]

use std::fs;
use std::path::Path;

use perf_report::Report;
use perf_report::read::read_report;

/// A run that met its objectives, without its timeline.
pub fn report() -> Report {
    read("report.json")
}

/// A run with its timeline.
pub fn report_over_time() -> Report {
    read("over_time.json")
}

fn read(name: &str) -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../monitoring/report/tests").join(name);
    read_report(&fs::read_to_string(path).expect("the report is there")).expect("it is a report")
}
